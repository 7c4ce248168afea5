#include "baton/supervisor/restart_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr RestartLimits restart_limits{
    .min_uptime = 1s, .first_wait = 100ms, .longest_wait = 1s, .deaths = 4};

TEST(RestartPolicy, WaitsTwiceAsLongAfterEachUnstableDeathUpToTheLongest) {
  RestartPolicy policy;
  std::vector<Time> waits;
  for (int i = 0; i < 6; ++i) waits.push_back(policy.died_unstable(restart_limits, i * 1s, 1.0));
  EXPECT_EQ(waits, (std::vector<Time>{100ms, 200ms, 400ms, 800ms, 1s, 1s}));
}

TEST(RestartPolicy, LetsChanceTakeAwayUpToHalfOfTheWait) {
  RestartPolicy policy;
  EXPECT_EQ(policy.died_unstable(restart_limits, 0s, 0.0), 50ms);
  EXPECT_EQ(policy.died_unstable(restart_limits, 0s, 0.5), 150ms);
}

TEST(RestartPolicy, BeginsAnewAfterAStableDeath) {
  RestartPolicy policy;
  (void)policy.died_unstable(restart_limits, 0s, 1.0);
  (void)policy.died_unstable(restart_limits, 0s, 1.0);
  policy.died_stable();
  EXPECT_EQ(policy.died_unstable(restart_limits, 0s, 1.0), 100ms);
}

TEST(RestartPolicy, CallsALifeUnstableThatWasNotReadyForLongEnough) {
  EXPECT_TRUE(RestartPolicy::unstable(restart_limits, -1ns));
  EXPECT_TRUE(RestartPolicy::unstable(restart_limits, 999ms));
  EXPECT_FALSE(RestartPolicy::unstable(restart_limits, 1s));
  RestartLimits none = restart_limits;
  none.min_uptime = 0s;
  EXPECT_FALSE(RestartPolicy::unstable(none, -1ns));
}

TEST(RestartPolicy, IsHopelessAfterTheLastDeathOfAMinute) {
  RestartPolicy policy;
  for (int i = 0; i < 3; ++i) (void)policy.died_unstable(restart_limits, i * 20s, 1.0);
  EXPECT_FALSE(policy.hopeless(restart_limits));
  (void)policy.died_unstable(restart_limits, 60s, 1.0);
  EXPECT_TRUE(policy.hopeless(restart_limits));
}

TEST(RestartPolicy, ForgetsDeathsThatAreOlderThanAMinute) {
  RestartPolicy policy;
  for (int i = 0; i < 100; ++i) {
    (void)policy.died_unstable(restart_limits, i * 21s, 1.0);
    EXPECT_FALSE(policy.hopeless(restart_limits)) << i;
  }
}

TEST(RestartPolicy, IsNeverHopelessWithoutALimit) {
  RestartLimits endless = restart_limits;
  endless.deaths = 0;
  RestartPolicy policy;
  for (int i = 0; i < 1000; ++i) (void)policy.died_unstable(endless, i * 1ms, 1.0);
  EXPECT_FALSE(policy.hopeless(endless));
}

TEST(RestartPolicy, TakesNoWaitAtAllForWhatItIs) {
  RestartLimits at_once = restart_limits;
  at_once.first_wait = at_once.longest_wait = 0s;
  RestartPolicy policy;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(policy.died_unstable(at_once, 0s, 0.7), 0s);
}

}  // namespace
}  // namespace baton::supervisor
