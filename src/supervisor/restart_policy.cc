#include "baton/supervisor/restart_policy.h"

#include <algorithm>

namespace baton::supervisor {

Time RestartPolicy::died_unstable(const RestartLimits& limits, Time now, double chance) {
  if (limits.deaths != 0) {
    deaths_.push_back(now);
    while (now - deaths_.front() > RestartLimits::window || deaths_.size() > limits.deaths) {
      deaths_.pop_front();
    }
  }
  return not_started(limits, chance);
}

Time RestartPolicy::not_started(const RestartLimits& limits, double chance) {
  Time wait = std::min(limits.first_wait, limits.longest_wait);
  for (unsigned i = 0; i < doublings_ && wait < limits.longest_wait; ++i) {
    wait = std::min(2 * wait, limits.longest_wait);
    if (wait == Time(0)) break;
  }
  if (wait < limits.longest_wait) ++doublings_;
  const auto half = wait / 2;
  return half + std::chrono::duration_cast<Time>((wait - half) * std::clamp(chance, 0.0, 1.0));
}

}  // namespace baton::supervisor
