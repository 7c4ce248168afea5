#include "baton/loop/loop.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <coroutine>
#include <cstdio>
#include <deque>
#include <iterator>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/excerpt.h"
#include "base/visible.h"
#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "loop/limited_reports.h"
#include "loop/slot.h"
#include "loop/standard_streams.h"

namespace baton {
namespace {

// Of a report on standard error.
constexpr std::size_t longest_line = 4096;

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

// The living loops that were made on this thread, the running one last.
thread_local std::vector<Loop*> of_this_thread;

// A callback may run another loop, and destroy any that does not run.
class Running {
 public:
  explicit Running(Loop& loop) : loop_(&loop) { of_this_thread.push_back(&loop); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    const auto mine = std::find(of_this_thread.rbegin(), of_this_thread.rend(), loop_);
    if (mine != of_this_thread.rend()) of_this_thread.erase(std::prev(mine.base()));
  }

 private:
  Loop* loop_;
};

}  // namespace

struct Loop::State {
  uv_loop_t uv;
  std::deque<Callback> deferred;
  std::unordered_set<void*> frames;
  std::unordered_map<const void*, std::shared_ptr<void>> kept;
  std::deque<std::pair<std::shared_ptr<void>, std::size_t>> remembered;  // and their bytes
  std::size_t remembered_bytes = 0;
  // Shared, so that it lives while it runs, though it be replaced meanwhile.
  std::shared_ptr<std::move_only_function<void(std::exception_ptr)>> on_uncaught;
  Slot<std::string_view> on_report;
  std::exception_ptr fatal;
  std::exception_ptr of_handler;  // what left its coroutine before the first wait
  bool handling = false;
  std::optional<LimitedReports> contained;
  bool stopping = false;
  bool draining = false;
};

Loop::Loop() : state_(std::make_unique<State>()) {
  open_standard_streams();
  expect_room();
  if (const int status = uv_loop_init(&state_->uv); status != 0) throw Error(-status, "make an event loop");
  of_this_thread.push_back(this);
}

Loop::~Loop() {
  drop_frames();
  state_->contained.reset();
  while (!state_->kept.empty() || !state_->deferred.empty() || !state_->remembered.empty()) {
    // What is destroyed here may keep or defer something again; nothing of it runs any more.
    auto kept = std::exchange(state_->kept, {});
    kept.clear();
    auto dropped = std::exchange(state_->deferred, {});
    state_->remembered_bytes = 0;
    const auto forgotten = std::exchange(state_->remembered, {});
  }
  std::erase(of_this_thread, this);
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
  const Running here(*this);
  drain();
  while (!state_->stopping) {
    uv_run(&state_->uv, UV_RUN_DEFAULT);
    drain();
    if (uv_loop_alive(&state_->uv) == 0 && state_->deferred.empty()) break;
  }
  state_->stopping = false;
  if (state_->fatal) std::rethrow_exception(std::exchange(state_->fatal, nullptr));
}

Loop& Loop::running() {
  if (of_this_thread.empty())
    throw std::logic_error("there is no loop on this thread that could run a coroutine");
  return *of_this_thread.back();
}

void Loop::stop() noexcept {
  state_->stopping = true;
  uv_stop(&state_->uv);
}

void Loop::defer(Handler<> callback) { state_->deferred.push_back(std::move(callback)); }

void Loop::on_uncaught(Handler<std::exception_ptr> handler) {
  std::move_only_function<void(std::exception_ptr)> function = std::move(handler);
  state_->on_uncaught = function ? std::make_shared<decltype(function)>(std::move(function)) : nullptr;
}

void Loop::on_report(Handler<std::string_view> handler) { state_->on_report.set(std::move(handler)); }

void Loop::report(std::string_view line) noexcept {
  if (state_->on_report) return state_->on_report.fire(*this, line);
  try {
    // It may be of a stranger's words.
    const std::string shown = visible(excerpt(line, longest_line));
    std::fprintf(stderr, "baton: %s\n", shown.c_str());
  } catch (const std::bad_alloc&) {
    std::fputs("baton: there is no memory to say what\n", stderr);
  }
}

bool Loop::stopping() const noexcept { return state_->stopping; }

std::chrono::milliseconds Loop::now() const noexcept {
  return std::chrono::milliseconds(uv_now(&state_->uv));
}

uv_loop_s* Loop::native() noexcept { return &state_->uv; }

void Loop::uncaught(std::exception_ptr exception) noexcept {
  // What leaves the handler itself, a coroutine of it too, is not given to it once more.
  if (const auto handler = state_->on_uncaught; handler && !std::exchange(state_->handling, true)) {
    try {
      (*handler)(exception);
      exception = std::exchange(state_->of_handler, nullptr);
    } catch (...) {
      exception = std::current_exception();
      state_->of_handler = nullptr;
    }
    state_->handling = false;
    if (!exception) return;
  } else if (handler) {
    state_->of_handler = exception;
    return;
  }
  if (!state_->fatal) state_->fatal = exception;
  stop();
}

void Loop::contained(const std::exception_ptr& exception, const Error& error) noexcept {
  if (state_->on_uncaught) return uncaught(exception);
  if (!state_->contained) {
    state_->contained.emplace(*this, [this](std::string_view line) { report(line); });
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

void Loop::remember(std::shared_ptr<void> object, std::size_t bytes) {
  constexpr std::size_t most_objects = 1024;
  constexpr std::size_t most_bytes = std::size_t{8} << 20;
  auto& all = state_->remembered;
  all.emplace_back(std::move(object), bytes);
  state_->remembered_bytes += bytes;
  while (all.size() > 1 && (all.size() > most_objects || state_->remembered_bytes > most_bytes)) {
    state_->remembered_bytes -= all.front().second;
    const auto forgotten = std::move(all.front());
    all.pop_front();
  }
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
