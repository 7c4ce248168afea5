#pragma once

#include <chrono>
#include <deque>

namespace baton::supervisor {

/// A length of time, or a moment on a clock that only goes forward and began anywhere.
using Time = std::chrono::nanoseconds;

/// How one slot is started again.
struct RestartLimits {
  Time min_uptime;
  Time first_wait;
  Time longest_wait;
  unsigned deaths;  ///< unstable ones within `window` until it is given up; 0: never
  static constexpr Time window = std::chrono::seconds(60);
};

/// When the successor of a dead worker may start, for one slot. It has no clock and no chance of its own.
class RestartPolicy {
 public:
  /// Whether a life that was ready for `uptime` (negative: it never was) ended unstable.
  [[nodiscard]] static bool unstable(const RestartLimits& limits, Time uptime) {
    return limits.min_uptime > Time(0) && uptime < limits.min_uptime;
  }

  /// An unstable death: how long the successor waits. `chance`, 0 to 1, says where between half of the time
  /// and all of it, so that workers that die together do not come back together.
  Time died_unstable(const RestartLimits& limits, Time now, double chance);
  /// A stable death: the successor need not wait.
  void died_stable() noexcept { doublings_ = 0; }
  /// Whether there were too many unstable deaths.
  [[nodiscard]] bool hopeless(const RestartLimits& limits) const noexcept {
    return limits.deaths != 0 && deaths_.size() >= limits.deaths;
  }
  /// Forgets the deaths so far, but not the wait.
  void forget_deaths() noexcept { deaths_.clear(); }

 private:
  std::deque<Time> deaths_;  // unstable, of the last `window`, at most `limits.deaths`
  unsigned doublings_ = 0;
};

}  // namespace baton::supervisor
