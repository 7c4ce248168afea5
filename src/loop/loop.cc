#include "baton/loop/loop.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <coroutine>
#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "loop/limited_reports.h"
#include "loop/standard_streams.h"

namespace baton {
namespace {

// What libuv opens for its first loop. It aborts the process if it cannot.
constexpr int descriptors_of_a_loop = 8;

void expect_room() {
  std::array<Fd, descriptors_of_a_loop> room;
  for (Fd& one : room) {
    one.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    if (one || errno == EBADF) continue;  // there is nothing that could stand for standard input
    const int error = errno;
    throw Error(error, "make an event loop",
                "with less than " + std::to_string(descriptors_of_a_loop) + " descriptors left of the " +
                    std::to_string(::sysconf(_SC_OPEN_MAX)) + " of `ulimit -n`");
  }
}

}  // namespace

struct Loop::State {
  uv_loop_t uv;
  std::deque<Callback> deferred;
  std::unordered_set<void*> frames;
  std::unordered_map<const void*, std::shared_ptr<void>> kept;
  std::deque<std::shared_ptr<void>> remembered;
  // Shared, so that it lives while it runs, though it be replaced meanwhile.
  std::shared_ptr<std::move_only_function<void(std::exception_ptr)>> on_uncaught;
  std::exception_ptr fatal;
  std::optional<LimitedReports> contained;
  bool stopping = false;
  bool draining = false;
};

Loop::Loop() : state_(std::make_unique<State>()) {
  open_standard_streams();
  expect_room();
  if (const int status = uv_loop_init(&state_->uv); status != 0) throw Error(-status, "make an event loop");
}

Loop::~Loop() {
  drop_frames();
  state_->contained.reset();
  while (!state_->kept.empty() || !state_->deferred.empty() || !state_->remembered.empty()) {
    // What is destroyed here may keep or defer something again; nothing of it runs any more.
    auto kept = std::exchange(state_->kept, {});
    kept.clear();
    auto dropped = std::exchange(state_->deferred, {});
    const auto forgotten = std::exchange(state_->remembered, {});
  }
  uv_run(&state_->uv, UV_RUN_NOWAIT);
  if (uv_loop_close(&state_->uv) == 0) return;
  uv_walk(
      &state_->uv,
      [](uv_handle_t* handle, void*) {
        if (!uv_is_closing(handle)) uv_close(handle, nullptr);
      },
      nullptr);
  uv_run(&state_->uv, UV_RUN_DEFAULT);
  uv_loop_close(&state_->uv);
}

void Loop::run() {
  drain();
  while (!state_->stopping) {
    uv_run(&state_->uv, UV_RUN_DEFAULT);
    drain();
    if (uv_loop_alive(&state_->uv) == 0 && state_->deferred.empty()) break;
  }
  state_->stopping = false;
  if (state_->fatal) std::rethrow_exception(std::exchange(state_->fatal, nullptr));
}

void Loop::stop() noexcept {
  state_->stopping = true;
  uv_stop(&state_->uv);
}

void Loop::defer(Callback callback) { state_->deferred.push_back(std::move(callback)); }

void Loop::on_uncaught(std::move_only_function<void(std::exception_ptr)> handler) {
  state_->on_uncaught =
      handler ? std::make_shared<std::move_only_function<void(std::exception_ptr)>>(std::move(handler))
              : nullptr;
}

bool Loop::stopping() const noexcept { return state_->stopping; }

std::chrono::milliseconds Loop::now() const noexcept {
  return std::chrono::milliseconds(uv_now(&state_->uv));
}

uv_loop_s* Loop::native() noexcept { return &state_->uv; }

void Loop::uncaught(std::exception_ptr exception) noexcept {
  if (const auto handler = state_->on_uncaught) {
    try {
      (*handler)(exception);
      return;
    } catch (...) {
      exception = std::current_exception();
    }
  }
  if (!state_->fatal) state_->fatal = exception;
  stop();
}

void Loop::contained(const std::exception_ptr& exception, const Error& error) noexcept {
  if (state_->on_uncaught) return uncaught(exception);
  if (!state_->contained) {
    state_->contained.emplace(*this, [](std::string_view line) {
      std::fprintf(stderr, "baton: %.*s\n", static_cast<int>(line.size()), line.data());
    });
  }
  state_->contained->report(error);
}

void Loop::keep(std::shared_ptr<void> object) {
  const void* key = object.get();
  state_->kept.emplace(key, std::move(object));
}
void Loop::let_go(const void* object) noexcept {
  const auto found = state_->kept.find(object);
  if (found == state_->kept.end()) return;
  auto last = std::move(found->second);
  state_->kept.erase(found);
}

void Loop::remember(std::shared_ptr<void> object) {
  constexpr std::size_t most_remembered = 1024;
  state_->remembered.push_back(std::move(object));
  if (state_->remembered.size() > most_remembered) state_->remembered.pop_front();
}

void Loop::own_frame(void* address) { state_->frames.insert(address); }
void Loop::disown_frame(void* address) noexcept { state_->frames.erase(address); }

void Loop::drop_frames() noexcept {
  while (!state_->frames.empty()) {
    const auto first = state_->frames.begin();
    void* address = *first;
    state_->frames.erase(first);
    std::coroutine_handle<>::from_address(address).destroy();
  }
}

void Loop::drain() noexcept {
  if (state_->draining) return;
  state_->draining = true;
  while (!state_->deferred.empty() && !state_->stopping) {
    Callback callback = std::move(state_->deferred.front());
    state_->deferred.pop_front();
    try {
      callback();
      callback = nullptr;
    } catch (...) {
      uncaught(std::current_exception());
    }
  }
  state_->draining = false;
}

}  // namespace baton
