// Workers that hang, and processes whose channel has ended.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "unit/cluster/primary_world.h"

namespace baton::cluster {
namespace {

using Lines = std::vector<std::string>;

PrimaryLimits with_hang_timeout() {
  PrimaryLimits limits;
  limits.hang_timeout = 900;
  return limits;
}

// As a driver does: at every deadline.
void run_until(PrimaryMachine& machine, Milliseconds end) {
  while (machine.next_deadline() && *machine.next_deadline() <= end) machine.time(*machine.next_deadline());
  machine.time(end);
}

TEST(PrimaryMachine, KillsAWorkerThatDoesNotAnswerAPing) {
  PrimaryWorld world({}, with_hang_timeout());
  world.join(1, true);
  run_until(world.machine, 899);
  EXPECT_EQ(world.take("kill"), Lines{});
  run_until(world.machine, 950);
  EXPECT_EQ(world.take(), (Lines{"kill w1 9", "accept l1 off"}));
}

TEST(PrimaryMachine, AsksNobodyOnceWhoWasOnlineHasEndedUntilTheNextOneSaysSo) {
  PrimaryWorld world({}, with_hang_timeout());
  world.join(1, true);
  world.machine.offline(1);
  EXPECT_FALSE(world.machine.worker(1)->online);
  run_until(world.machine, 5000);
  EXPECT_EQ(world.take("kill"), Lines{});
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"online"})");
  EXPECT_TRUE(world.machine.worker(1)->online);
  run_until(world.machine, 10000);
  EXPECT_EQ(world.take("kill"), Lines{"kill w1 9"});
}

TEST(PrimaryMachine, KillsNobodyWhoAnswers) {
  PrimaryWorld world({}, with_hang_timeout());
  world.join(1, true);
  uint64_t pings = 1;
  for (Milliseconds now = 0; now < 5000; now += 100) {
    run_until(world.machine, now);
    for (const std::string& line : world.take()) {
      ASSERT_FALSE(line.starts_with("kill")) << now;
      if (line.contains("NODE_BATON_PING")) ++pings;
    }
    world.say(1, R"({"cmd":"NODE_BATON_PONG","n":)" + std::to_string(pings) + "}");
  }
  EXPECT_GT(pings, 10U);
}

TEST(PrimaryMachine, KillsAWorkerThatDoesNotAnswerAHandOff) {
  PrimaryWorld world({}, with_hang_timeout());
  world.join(1);
  world.join(2);
  world.accept(1);
  run_until(world.machine, 1000);
  EXPECT_EQ(world.take("kill"), Lines{"kill w1 9"});
  EXPECT_EQ(world.take("take_back"), Lines{}) << "it may still live";
  world.machine.worker_gone(1);
  EXPECT_EQ(world.offers(), Lines{"w2 c1"});
}

TEST(PrimaryMachine, BlamesNobodyWhileWhatHeSaysIsNotHeard) {
  PrimaryWorld world({}, with_hang_timeout());
  world.join(1, true);
  world.accept(1);
  run_until(world.machine, 800);
  world.machine.unheard(1, true);
  run_until(world.machine, 5000);
  world.machine.unheard(1, false);
  run_until(world.machine, 5850);
  EXPECT_EQ(world.take("kill"), Lines{});
  run_until(world.machine, 5950);
  EXPECT_EQ(world.take("kill"), Lines{"kill w1 9"}) << "but from then on";
}

TEST(PrimaryMachine, BlamesNobodyForTheTimeThatItSleptItself) {
  PrimaryWorld world({}, with_hang_timeout());
  world.join(1, true);
  world.accept(1);
  run_until(world.machine, 100);
  (void)world.take();
  world.machine.time(100000);
  run_until(world.machine, 100500);
  EXPECT_EQ(world.take("kill"), Lines{}) << "it has had half a second";
  run_until(world.machine, 101000);
  EXPECT_EQ(world.take("kill"), Lines{"kill w1 9"}) << "and now the whole time";
}

TEST(PrimaryMachine, EndsAProcessThatClosedItsChannelWithHandOffsUnanswered) {
  PrimaryWorld world;
  world.join(1);
  world.accept(1);
  (void)world.take();
  world.machine.channel_ended(1);
  (void)world.take();
  run_until(world.machine, 999);
  EXPECT_EQ(world.take(), Lines{});
  run_until(world.machine, 1000);
  EXPECT_EQ(world.take(), Lines{"kill w1 15"});
  run_until(world.machine, 2999);
  EXPECT_EQ(world.take(), Lines{});
  run_until(world.machine, 3000);
  EXPECT_EQ(world.take(), Lines{"kill w1 9"});
}

TEST(PrimaryMachine, LetsAProcessLiveThatClosedItsChannelAndHoldsNothing) {
  PrimaryWorld world;
  world.join(1);
  world.machine.channel_ended(1);
  (void)world.take();
  run_until(world.machine, 100000);
  EXPECT_EQ(world.take(), Lines{});
}

}  // namespace
}  // namespace baton::cluster
