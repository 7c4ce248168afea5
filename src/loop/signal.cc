#include "baton/loop/signal.h"

#include <memory>
#include <string>
#include <utility>

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

namespace {

struct Awaited : std::enable_shared_from_this<Awaited> {
  explicit Awaited(Loop& owner) : loop(owner), promise(owner, "a signal") {}
  Loop& loop;
  Promise<int> promise;
  std::vector<SignalWatcher> watchers;

  void end() {
    const auto self = shared_from_this();
    watchers.clear();
    loop.let_go(this);
  }
};

}  // namespace

Op<int> detail::next_signal_of(Loop& loop, const std::vector<int>& signals) {
  auto awaited = std::make_shared<Awaited>(loop);
  for (const int signal : signals) {
    awaited->watchers.emplace_back(loop, signal, [raw = awaited.get()](int number) {
      raw->promise.resolve(number);
      raw->end();
    });
    awaited->watchers.back().ref();
  }
  awaited->promise.on_given_up([weak = awaited->weak_from_this()](bool) {
    if (const auto self = weak.lock()) self->end();
  });
  auto op = awaited->promise.op();
  loop.keep(std::move(awaited));
  return op;
}

}  // namespace baton
