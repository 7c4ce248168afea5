#include "baton/loop/wait.h"

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

namespace baton {

Op<> sleep(Loop& loop, std::chrono::nanoseconds time) {
  auto state = std::make_shared<detail::OpState<void>>(loop);
  loop.keep(state);
  state->alarm = Timer(loop, time, [&loop, weak = std::weak_ptr(state)] {
    const auto sleeping = weak.lock();
    if (!sleeping) return;
    loop.let_go(sleeping.get());
    detail::OpState<void>::settle(sleeping, {});
  });
  return Op<>(std::move(state));
}

namespace {
constexpr std::size_t least_look = 64;
}  // namespace

struct Limiter::State {
  Loop& loop;
  std::size_t most;
  std::size_t running = 0;
  std::deque<Promise<Turn>> waiting;
  std::size_t look_at = least_look;  // so many: some may have been given up

  // Whose wait was given up has no turn.
  void forget_unwanted() {
    while (!waiting.empty() && !waiting.front().wanted()) waiting.pop_front();
  }
};

Limiter::Limiter(Loop& loop, std::size_t most) {
  if (most == 0) throw std::invalid_argument("a limiter that lets nothing be at work");
  state_ = std::make_shared<State>(loop, most);
}

Op<Limiter::Turn> Limiter::turn_of(const std::shared_ptr<State>& state) {
  Promise<Turn> promise(state->loop, "a turn");
  auto op = promise.op();
  if (state->running < state->most) {
    ++state->running;
    promise.resolve(Turn(state));
  } else {
    if (state->waiting.size() >= state->look_at) {
      std::erase_if(state->waiting, [](const Promise<Turn>& one) { return !one.wanted(); });
      state->look_at = std::max(least_look, 2 * state->waiting.size());
    }
    state->waiting.push_back(std::move(promise));
  }
  return op;
}

std::size_t Limiter::running() const noexcept { return state_->running; }
std::size_t Limiter::waiting() const noexcept {
  state_->forget_unwanted();
  return state_->waiting.size();
}

Limiter::Turn& Limiter::Turn::operator=(Turn&& other) noexcept {
  Turn before(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

Limiter::Turn::~Turn() {
  if (!state_) return;
  state_->forget_unwanted();
  if (state_->waiting.empty()) {
    --state_->running;
    return;
  }
  auto next = std::move(state_->waiting.front());
  state_->waiting.pop_front();
  // Moved on, not given back: nobody comes in between.
  auto state = std::move(state_);
  next.resolve(Turn(std::move(state)));
}

}  // namespace baton
