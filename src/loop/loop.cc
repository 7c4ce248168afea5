#include "baton/loop/loop.h"

#include <uv.h>

#include <coroutine>
#include <cstdio>
#include <deque>
#include <new>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "loop/standard_streams.h"

namespace baton {

struct Loop::State {
  uv_loop_t uv;
  std::deque<Callback> deferred;
  std::unordered_set<void*> frames;
  std::unordered_map<const void*, std::shared_ptr<void>> kept;
  std::move_only_function<void(std::exception_ptr)> on_uncaught;
  std::exception_ptr fatal;
  bool stopping = false;
  bool draining = false;
};

Loop::Loop() : state_(std::make_unique<State>()) {
  open_standard_streams();
  if (uv_loop_init(&state_->uv) != 0) throw std::bad_alloc();
}

Loop::~Loop() {
  drop_frames();
  while (!state_->kept.empty() || !state_->deferred.empty()) {
    // What is destroyed here may keep or defer something again; nothing of it runs any more.
    auto kept = std::exchange(state_->kept, {});
    kept.clear();
    auto dropped = std::exchange(state_->deferred, {});
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
  state_->stopping = false;
  drain();
  while (!state_->stopping) {
    uv_run(&state_->uv, UV_RUN_DEFAULT);
    drain();
    if (uv_loop_alive(&state_->uv) == 0 && state_->deferred.empty()) break;
  }
  if (state_->fatal) std::rethrow_exception(std::exchange(state_->fatal, nullptr));
}

void Loop::stop() noexcept {
  state_->stopping = true;
  uv_stop(&state_->uv);
}

void Loop::defer(Callback callback) { state_->deferred.push_back(std::move(callback)); }

void Loop::on_uncaught(std::move_only_function<void(std::exception_ptr)> handler) {
  state_->on_uncaught = std::move(handler);
}

std::chrono::milliseconds Loop::now() const noexcept {
  return std::chrono::milliseconds(uv_now(&state_->uv));
}

uv_loop_s* Loop::native() noexcept { return &state_->uv; }

void Loop::uncaught(std::exception_ptr exception) noexcept {
  if (state_->on_uncaught) {
    try {
      state_->on_uncaught(exception);
      return;
    } catch (...) {
      exception = std::current_exception();
    }
  }
  if (!state_->fatal) state_->fatal = exception;
  stop();
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
