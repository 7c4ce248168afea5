#include "baton/loop/timer.h"

#include "loop/uv_handle.h"

namespace baton {
namespace {

uint64_t to_ms(std::chrono::nanoseconds delay) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(delay).count();
  return ms > 0 ? static_cast<uint64_t>(ms) : 0;
}

}  // namespace

struct Timer::State : UvHandle<State, uv_timer_t, Callback> {
  State(Loop& owner, uint64_t delay, uint64_t interval, Callback on_time)
      : UvHandle(owner, std::move(on_time)), delay_ms(delay), interval_ms(interval) {
    uv_timer_init(owner.native(), &handle);
    start();
  }
  void start() {
    uv_update_time(loop.native());
    uv_timer_start(&handle, [](uv_timer_t* uv) { of(uv)->fire(); }, delay_ms, interval_ms);
  }
  uint64_t delay_ms;
  uint64_t interval_ms;
};

Timer::Timer(Loop& loop, std::chrono::nanoseconds delay, Handler<> callback)
    : state_(new State(loop, to_ms(delay), 0, std::move(callback))) {}
Timer::Timer(Timer&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    stop();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}
Timer::~Timer() { stop(); }

Timer Timer::every(Loop& loop, std::chrono::nanoseconds interval, Handler<> callback) {
  const uint64_t ms = to_ms(interval) > 0 ? to_ms(interval) : 1;
  return Timer(new State(loop, ms, ms, std::move(callback)));
}

void Timer::stop() noexcept {
  if (state_ != nullptr) std::exchange(state_, nullptr)->close();
}
bool Timer::active() const noexcept { return state_ != nullptr && uv_is_active(state_->base()) != 0; }
void Timer::restart() {
  if (state_ != nullptr) state_->start();
}
Timer& Timer::ref() & {
  if (state_ != nullptr) uv_ref(state_->base());
  return *this;
}
Timer& Timer::unref() & {
  if (state_ != nullptr) uv_unref(state_->base());
  return *this;
}

}  // namespace baton
