#pragma once

#include <chrono>
#include <deque>

namespace baton::supervisor {

/// A length of time, or a moment on a clock that only goes forward and began anywhere.
using Time = std::chrono::nanoseconds;

/// How one slot is started again; what `Options` says of `min_uptime`, `backoff` and `max_restarts`.
struct RestartLimits {
  Time min_uptime;    ///< a life that was ready for less ended unstable; 0: none does
  Time first_wait;    ///< after the first unstable death
  Time longest_wait;  ///< what it doubles up to
  unsigned deaths;    ///< unstable ones within `window` until it is given up; 0: never
  static constexpr Time window = std::chrono::seconds(60);  ///< how far back deaths are counted
};

/// When the successor of a dead worker may start, for one slot: what a Supervisor goes by, and what a program
/// may that forks a child of its own. It has no clock and no chance of its own.
///
///     child.on_close([&](const baton::ExitStatus&) {
///       const auto now = loop.now();
///       if (!RestartPolicy::unstable(limits, now - ready_since)) {
///         policy.died_stable();
///         return start();
///       }
///       const Time wait = policy.died_unstable(limits, now, chance());
///       if (policy.hopeless(limits)) return give_up();
///       again = baton::Timer(loop, wait, start);
///     });
class RestartPolicy {
 public:
  /// Whether a life that was ready for `uptime` (negative: it never was) ended unstable.
  [[nodiscard]] static bool unstable(const RestartLimits& limits, Time uptime) {
    return limits.min_uptime > Time(0) && uptime < limits.min_uptime;
  }

  /// An unstable death: how long the successor waits. `chance`, 0 to 1, says where between half of the time
  /// and all of it, so that workers that die together do not come back together.
  Time died_unstable(const RestartLimits& limits, Time now, double chance);
  /// It could not be started for want of something that there may be again: the same wait, but no death.
  Time not_started(const RestartLimits& limits, double chance);
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
