#include "baton/loop/signal.h"

#include <string>

#include "baton/base/error.h"
#include "loop/uv_handle.h"

namespace baton {

struct SignalWatcher::State : UvHandle<State, uv_signal_t, std::move_only_function<void(int)>> {
  using UvHandle::UvHandle;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal_number, Handler<int> callback)
    : state_(new State(loop, std::move(callback))) {
  uv_signal_init(loop.native(), &state_->handle);
  uv_unref(state_->base());
  const int status = uv_signal_start(
      &state_->handle, [](uv_signal_t* uv, int number) { State::of(uv)->fire(number); }, signal_number);
  if (status != 0) {
    stop();
    throw Error(-status, "watch signal " + std::to_string(signal_number), "sigaction");
  }
}
SignalWatcher::SignalWatcher(SignalWatcher&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
SignalWatcher& SignalWatcher::operator=(SignalWatcher&& other) noexcept {
  if (this != &other) {
    stop();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}
SignalWatcher::~SignalWatcher() { stop(); }

void SignalWatcher::stop() noexcept {
  if (state_ != nullptr) std::exchange(state_, nullptr)->close();
}
SignalWatcher& SignalWatcher::ref() {
  if (state_ != nullptr) uv_ref(state_->base());
  return *this;
}
SignalWatcher& SignalWatcher::unref() {
  if (state_ != nullptr) uv_unref(state_->base());
  return *this;
}

}  // namespace baton
