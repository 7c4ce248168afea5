#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "baton/loop/loop.h"

namespace baton {

/// Calls back once after a delay, or again and again. Mirrors `setTimeout` and `setInterval`. Destroying or
/// `stop`ping it cuts the callback. A running timer keeps `Loop::run` from returning, unless unref'd.
class Timer {
 public:
  /// A timer that does nothing yet.
  Timer() = default;
  /// Calls `callback` once, `delay` from now (rounded up to milliseconds). The loop must outlive the timer.
  Timer(Loop& loop, std::chrono::nanoseconds delay, Handler<> callback);
  /// @{
  /// Moves; the other is empty afterwards.
  Timer(Timer&& other) noexcept;
  Timer& operator=(Timer&& other) noexcept;
  /// @}
  ~Timer();

  /// Calls `callback` every `interval`, for the first time one interval from now.
  [[nodiscard]] static Timer every(Loop& loop, std::chrono::nanoseconds interval, Handler<> callback);

  /// Cuts the callback; the timer cannot be started again. Does nothing on an empty timer.
  void stop() noexcept;
  /// Whether the callback is still to come.
  [[nodiscard]] bool active() const noexcept;
  /// Starts the delay anew from now. Does nothing on an empty timer.
  void restart();
  /// @{
  /// Whether this timer keeps the loop running; it does until `unref`. Mirrors `timeout.ref()/unref()`.
  ///     Timer beat = Timer::every(loop, 1s, [] { ... }).unref();
  Timer& ref() &;
  Timer& unref() &;
  Timer ref() && { return std::move(ref()); }
  Timer unref() && { return std::move(unref()); }
  /// @}

 private:
  struct State;
  explicit Timer(State* state) : state_(state) {}
  State* state_ = nullptr;
};

}  // namespace baton
