// A worker that is told to leave, and may have a way of its own to end.

#include <csignal>

#include "primary_world.h"

namespace baton::cluster {
namespace {

using Lines = std::vector<std::string>;

class PrimaryFarewell : public testing::Test {
 protected:
  // A Node with the preload module.
  PrimaryFarewell() {
    world.join(1);
    world.say(1, R"({"cmd":"NODE_BATON_LOAD","connections":0,"lag":0})");
    (void)world.take();
  }
  PrimaryWorld world;
};

constexpr const char* drain = R"(send w1 {"cmd":"NODE_BATON_DRAIN","signal":"SIGTERM","always":false})";

TEST_F(PrimaryFarewell, IsSaidToANodeOnceItsServersDrainAndItsHandlersHaveRun) {
  world.machine.disconnect(1, SIGTERM, false);
  EXPECT_EQ(world.take("send"), Lines{drain});
  EXPECT_EQ(world.accept(1), 0) << "nothing is handed to it any more";
  world.say(1, R"({"cmd":"NODE_BATON_DRAINS","signalled":true})");
  const Lines then = world.take();
  ASSERT_EQ(then.size(), 2U);
  EXPECT_EQ(then[0], "signalled w1");
  EXPECT_TRUE(then[1].contains(R"("act":"disconnect")")) << then[1];
}

TEST_F(PrimaryFarewell, IsSaidWithoutASignalToANodeWhoseProgramHandlesNone) {
  world.machine.disconnect(1, SIGTERM, false);
  (void)world.take();
  world.say(1, R"({"cmd":"NODE_BATON_DRAINS","signalled":false})");
  const Lines then = world.take();
  ASSERT_EQ(then.size(), 1U);
  EXPECT_TRUE(then[0].contains(R"("act":"disconnect")")) << then[0];
}

TEST_F(PrimaryFarewell, WaitsASecondForAnAnswerAndNoLonger) {
  world.machine.time(1000);
  world.machine.disconnect(1, SIGTERM, false);
  (void)world.take();
  EXPECT_EQ(world.machine.next_deadline(), 2000U);
  world.machine.time(1999);
  EXPECT_EQ(world.take("send"), Lines());
  world.machine.time(2000);
  EXPECT_EQ(world.take("send").size(), 1U);
  world.say(1, R"({"cmd":"NODE_BATON_DRAINS","signalled":true})");
  EXPECT_EQ(world.take(), Lines()) << "an answer that comes too late";
}

TEST_F(PrimaryFarewell, IsNotSaidToWhoHasGoneMeanwhile) {
  world.machine.disconnect(1, SIGTERM, false);
  (void)world.take();
  world.machine.channel_ended(1);
  world.machine.time(5000);
  EXPECT_EQ(world.take("send"), Lines());
}

TEST_F(PrimaryFarewell, IsNoWordThatAWorkerMaySayUnasked) {
  world.say(1, R"({"cmd":"NODE_BATON_DRAINS","signalled":true})");
  EXPECT_EQ(world.take(), Lines());
  world.say(1, R"({"cmd":"NODE_BATON_DRAINS","signalled":"yes"})");
  EXPECT_EQ(world.take("report").size(), 1U);
}

TEST_F(PrimaryFarewell, OfOthersFollowsTheSignal) {
  world.join(2, true);
  world.start(3);
  (void)world.take();
  for (const WorkerId worker : {WorkerId{2}, WorkerId{3}}) {
    world.machine.disconnect(worker, SIGTERM, false);
    EXPECT_EQ(world.take("s"), Lines{"signal w" + std::to_string(worker) + " 15"});
    world.say(worker, R"({"cmd":"NODE_BATON_DRAINS","signalled":true})");
    EXPECT_EQ(world.take("s"), Lines{}) << "that is not asked of it";
    world.machine.signal_settled(worker);
    const Lines then = world.take();
    ASSERT_EQ(then.size(), 1U);
    EXPECT_TRUE(then[0].contains(R"("act":"disconnect")")) << then[0];
  }
  world.start(4);
  world.machine.disconnect(4, SIGUSR2, true);
  EXPECT_EQ(world.take("signal"), Lines{"signal w4 12 always"});
}

}  // namespace
}  // namespace baton::cluster
