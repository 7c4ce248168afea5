#pragma once

#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.h"
#include "baton/loop/handler.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"

namespace baton {

namespace detail {

/// What the two ends of one operation share: at most one result and at most one receiver.
template <class T>
struct OpState {
  explicit OpState(Loop& owner, std::string waited_for = {}) : loop(owner), what(std::move(waited_for)) {}

  Loop& loop;
  std::string what;  // that is waited for
  std::optional<Result<T>> result;
  std::move_only_function<void(Result<T>)> receiver;
  std::move_only_function<void(const Error&)> orphan;
  std::move_only_function<void(bool)> given_up;
  Timer deadline;
  Timer alarm;  // of `sleep`
  std::optional<std::stop_callback<Callback>> stop;
  bool settled = false;
  bool dropped = false;
  bool claimed = false;  // by the consumer

  /// True if the result was taken: it was the first one, and somebody wants it.
  static bool settle(const std::shared_ptr<OpState>& self, Result<T> outcome) {
    if (self->settled) return false;
    self->settled = true;
    self->deadline.stop();
    self->end_alarm();
    if (self->dropped) {
      if (!outcome) self->give_to_orphan(outcome.error());
      return false;
    }
    self->result.emplace(std::move(outcome));
    if (self->receiver) deliver_later(self);
    return true;
  }
  /// Whoever waits gives it up.
  static void withdraw(const std::shared_ptr<OpState>& self, Errc why) {
    if (self->settled) return;
    settle(self, failure(why, self->waited_for()));
    self->tell_given_up(false);
  }
  void tell_given_up(bool dropped_it) {
    if (!given_up) return;
    loop.defer([handler = std::exchange(given_up, nullptr), dropped_it]() mutable { handler(dropped_it); });
  }
  static void deliver_later(const std::shared_ptr<OpState>& self) {
    self->loop.defer([self] {
      self->stop.reset();
      if (!self->receiver || !self->result) return;
      auto receiver = std::move(self->receiver);
      self->receiver = nullptr;
      Result<T> outcome = std::move(*self->result);
      self->result.reset();
      receiver(std::move(outcome));
    });
  }
  [[nodiscard]] std::string_view waited_for() const noexcept {
    if (what.empty()) return "wait";
    return what;
  }
  // Until it rings, the loop has a sleep that nobody holds.
  void end_alarm() noexcept {
    if (!alarm.active()) return;
    alarm.stop();
    loop.let_go(this);
  }
  void drop() {
    dropped = true;
    receiver = nullptr;
    deadline.stop();
    end_alarm();
    stop.reset();
    if (!settled) tell_given_up(true);
    if (result && !*result) give_to_orphan(result->error());
    result.reset();
  }
  // Later: who drops an Op may be a destructor, and nothing may leave that.
  void give_to_orphan(const Error& error) {
    if (!orphan) return;
    loop.defer([handler = std::exchange(orphan, nullptr), error]() mutable { handler(error); });
  }
};

template <class T>
OpState<T>& expect_op(const std::shared_ptr<OpState<T>>& state) {
  if (!state) throw std::logic_error("this operation was waited for before, or moved away");
  return *state;
}

}  // namespace detail

/// The outcome of something that happens once and was already started. The holder chooses.
///
/// A callback, called once, later, from the loop:
///
///     std::move(op).then([](Result<T> result) { ... });
///
/// In a `Task`; failures are thrown:
///
///     T value = co_await std::move(op);
///
/// Or drops it: the operation goes on, and its failure goes to the on_error of the object it belongs to.
///
/// Functions whose Op may be dropped do not warn; the others are `[[nodiscard]]`.
///
/// Withdrawing the wait (dropping, `within`, `cancel_on`) never stops what was begun, unless the call that
/// returned the Op says so. An Op that was given to `then` or `co_await`, or moved away, is empty: every call
/// but assignment and destruction throws std::logic_error.
template <class T = void>
class Op {
 public:
  /// @{
  /// Moves. What is assigned to gives up its own wait, as dropping does.
  Op(Op&&) noexcept = default;
  Op& operator=(Op&& other) noexcept {
    if (this != &other) {
      reset();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  /// @}
  ~Op() { reset(); }

  /// Calls `receiver(Result<T>)` from the loop when there is an outcome, never from inside this call.
  void then(Handler<Result<T>> receiver) && {
    detail::expect_op(state_);
    auto state = std::move(state_);
    state->receiver = std::move(receiver);
    if (state->result) detail::OpState<T>::deliver_later(state);
  }

  /// The same operation, whose wait fails with Errc::timed_out unless it has an outcome within `time`.
  Op within(std::chrono::nanoseconds time) && {
    if (!detail::expect_op(state_).settled) {
      state_->deadline = Timer(state_->loop, time, [weak = std::weak_ptr(state_)] {
        if (auto state = weak.lock()) detail::OpState<T>::withdraw(state, Errc::timed_out);
      });
    }
    return std::move(*this);
  }

  /// The same operation, whose wait fails with Errc::cancelled when `token` is asked to stop (on the loop's
  /// thread).
  Op cancel_on(const std::stop_token& token) && {
    detail::expect_op(state_).stop.emplace(token, [weak = std::weak_ptr(state_)] {
      if (auto state = weak.lock()) detail::OpState<T>::withdraw(state, Errc::cancelled);
    });
    return std::move(*this);
  }

  class Awaiter;
  /// Waits for it in a coroutine; throws its Error.
  Awaiter operator co_await() && {
    detail::expect_op(state_);
    return Awaiter(std::move(state_));
  }

 private:
  template <class>
  friend class Promise;
  friend Op<> sleep(Loop& loop, std::chrono::nanoseconds time);
  explicit Op(std::shared_ptr<detail::OpState<T>> state) : state_(std::move(state)) {}
  void reset() {
    if (state_) std::exchange(state_, nullptr)->drop();
  }

  std::shared_ptr<detail::OpState<T>> state_;
};

/// What `co_await` makes of an Op; not for programs.
template <class T>
class Op<T>::Awaiter {
 public:
  /// @{
  /// Made by `operator co_await`.
  explicit Awaiter(std::shared_ptr<detail::OpState<T>> state) : state_(std::move(state)) {}
  Awaiter(Awaiter&&) noexcept = default;
  /// @}
  ~Awaiter() {
    if (state_) state_->drop();
  }

  /// @{
  /// What the compiler calls.
  bool await_ready() const noexcept { return state_->result.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    state_->receiver = [this, waiter](Result<T> outcome) {
      outcome_.emplace(std::move(outcome));
      waiter.resume();
    };
  }
  /// @}
  /// The value, or throws the Error.
  T await_resume() {
    Result<T> outcome = outcome_ ? std::move(*outcome_) : std::move(*state_->result);
    if (!outcome_) state_->result.reset();
    if (!outcome) throw std::move(outcome).error();
    if constexpr (!std::is_void_v<T>) return std::move(*outcome);
  }

 private:
  std::shared_ptr<detail::OpState<T>> state_;
  std::optional<Result<T>> outcome_;
};

/// The other end of an Op: held by whoever does the work. For the layers of Baton, and for libraries on top
/// of it.
template <class T = void>
class Promise {
 public:
  /// A promise on that loop, not kept yet. `what` is waited for, and named when it is waited for too long:
  /// "request: timed out".
  explicit Promise(Loop& loop, std::string what = {})
      : state_(std::make_shared<detail::OpState<T>>(loop, std::move(what))) {}
  /// @{
  /// Moves. A promise that is assigned to is abandoned.
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    if (this != &other) {
      abandon();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  /// @}
  /// An operation that is given up without an outcome fails with Errc::cancelled.
  ~Promise() { abandon(); }

  /// The consumer's end, once; std::logic_error for a second one.
  Op<T> op() {
    if (std::exchange(detail::expect_op(state_).claimed, true)) {
      throw std::logic_error("this promise has given its operation away");
    }
    return Op<T>(state_);
  }
  /// Whether somebody still waits.
  [[nodiscard]] bool wanted() const noexcept { return state_ && !state_->settled && !state_->dropped; }
  /// Settles the operation; the receiver is called later, from the loop. False if nobody takes the outcome
  /// any more.
  bool resolve(Result<T> outcome) { return state_ && detail::OpState<T>::settle(state_, std::move(outcome)); }
  /// Called from the loop, once, when nobody waits any more and there is no outcome yet, with whether the Op
  /// was dropped. False: the wait was given up by `within` or `cancel_on`, and what is not done yet need not
  /// be done. True: the Op was dropped (or the coroutine that waited was destroyed), which does not ask for
  /// that.
  void on_given_up(Handler<bool> handler) { detail::expect_op(state_).given_up = std::move(handler); }
  /// Where a failure goes that no receiver is there for.
  void on_orphan(Handler<const Error&> handler) { detail::expect_op(state_).orphan = std::move(handler); }

 private:
  void abandon() {
    if (state_ && !state_->settled) resolve(failure(Errc::cancelled, state_->waited_for()));
    state_.reset();
  }

  std::shared_ptr<detail::OpState<T>> state_;
};

}  // namespace baton
