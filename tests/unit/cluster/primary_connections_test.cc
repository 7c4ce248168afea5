// Who is given a connection, when, and what becomes of one that comes back.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "unit/cluster/primary_world.h"

namespace baton::cluster {
namespace {

using Lines = std::vector<std::string>;

TEST(PrimaryMachine, SaysToANodeWorkerWhatNodeSays) {
  PrimaryWorld world;
  world.start(1);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})");
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,)"
               R"("port":39371,"addressType":4,"backlog":0,"seq":1})");
  EXPECT_EQ(world.take(), (Lines{"online w1", "open l1"}));
  world.machine.opened(1, 0, wire::Sockname{"127.0.0.1", "IPv4", 39371});
  EXPECT_EQ(
      world.take(),
      (Lines{
          R"(send w1 {"cmd":"NODE_CLUSTER","errno":null,"key":"null:39371:4:undefined","ack":1,"data":null,)"
          R"("sockname":{"address":"127.0.0.1","family":"IPv4","port":39371},"seq":0})",
          "accept l1 on"}));
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,"port":39371,)"
               R"("addressType":4,"backlog":0,"seq":2})");
  EXPECT_EQ(world.take(), (Lines{"listening w1 39371"}));
  EXPECT_EQ(world.accept(2), 1);
  EXPECT_EQ(
      world.take(),
      (Lines{R"(offer w1 c1 {"cmd":"NODE_CLUSTER","act":"newconn","key":"null:39371:4:undefined","seq":1})",
             "accept l1 off"}));
  world.say(1, R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":true,"seq":3})");
  EXPECT_EQ(world.take(), (Lines{"close c1 taken by w1", "accept l1 on"}));
  world.machine.disconnect(1);
  EXPECT_EQ(world.take(),
            (Lines{R"(send w1 {"cmd":"NODE_CLUSTER","act":"disconnect","seq":2})", "accept l1 off"}));
}

TEST(PrimaryMachine, GivesConnectionsToNodeWorkersInTurn) {
  PrimaryWorld world;
  world.join(1);
  world.join(2);
  EXPECT_EQ(world.accept(5), 2);
  EXPECT_EQ(world.offers(), (Lines{"w1 c1", "w2 c2"}));
  world.answer(2, 3);
  EXPECT_EQ(world.accept(5), 1);
  EXPECT_EQ(world.offers(), (Lines{"w2 c3"}));
}

TEST(PrimaryMachine, TakesBackWhatADeadWorkerHadNotAccepted) {
  PrimaryWorld world;
  world.join(1);
  world.join(2);
  world.accept(2);
  (void)world.take();
  world.machine.channel_ended(1);
  EXPECT_EQ(world.take("take_back"), Lines{}) << "it may still hold the connection";
  world.machine.worker_gone(1);
  EXPECT_EQ(world.take("take_back"), Lines{"take_back c1"});
  world.answer(2, 3);
  EXPECT_EQ(world.offers(), Lines{"w2 c1"});
}

// --- turns and windows

TEST(PrimaryMachine, HandsSeveralConnectionsToABatonWithoutARoundTripEach) {
  PrimaryWorld world;
  world.join(1, true);
  EXPECT_EQ(world.accept(100), 16);
  EXPECT_FALSE(world.machine.accepts(1));
  world.say(1, R"({"cmd":"NODE_CLUSTER","accepted":[1,2,3]})");
  EXPECT_EQ(world.accept(100), 3);
  EXPECT_EQ(world.machine.in_flight(), 16U);
}

TEST(PrimaryMachine, WaitsForTheTurnOfABatonThatAnsweredAMomentAgo) {
  PrimaryLimits limits;
  limits.baton_window = 1;
  PrimaryWorld world({}, limits);
  world.join(1, true);
  world.join(2, true);
  EXPECT_EQ(world.accept(9), 2);
  EXPECT_EQ(world.offers(), (Lines{"w1 c1", "w2 c2"}));
  world.answer(2, 3);
  EXPECT_EQ(world.accept(9), 0) << "it is the first one's turn";
  world.machine.time(49);
  EXPECT_EQ(world.accept(9), 0);
  world.machine.time(50);
  EXPECT_EQ(world.accept(9), 1) << "it is passed over";
  EXPECT_EQ(world.offers(), Lines{"w2 c3"});
}

TEST(PrimaryMachine, IsExactInItsTurnsWhenAllAnswer) {
  PrimaryWorld world;
  for (const WorkerId worker : {1U, 2U, 3U}) world.join(worker, true);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(world.accept(1), 1);
    for (const std::string& line : world.take("offer")) {
      const auto at = line.find("\"seq\":");
      world.answer(static_cast<WorkerId>(line[7] - '0'), std::stoull(line.substr(at + 6)));
    }
  }
  EXPECT_EQ(world.machine.worker(1)->handed, 34U);
  EXPECT_EQ(world.machine.worker(2)->handed, 33U);
  EXPECT_EQ(world.machine.worker(3)->handed, 33U);
}

TEST(PrimaryMachine, AcceptsNothingWhileNobodyHasRoom) {
  PrimaryWorld world;
  world.join(1);
  EXPECT_TRUE(world.machine.accepts(1));
  world.accept(1);
  EXPECT_EQ(world.take("accept"), Lines{"accept l1 off"});
  EXPECT_FALSE(world.machine.accepts(1));
  world.answer(1, 1);
  EXPECT_EQ(world.take("accept"), Lines{"accept l1 on"});
}

// --- refusals

TEST(PrimaryMachine, LetsAWorkerRestThatRefusesAndAsksItWithOneConnection) {
  PrimaryWorld world;
  world.join(1, true);
  world.accept(3);
  (void)world.take();
  world.answer(1, 1, false);
  EXPECT_EQ(world.take("take_back"), Lines{"take_back c1"});
  EXPECT_EQ(world.machine.next_deadline(), 10U);
  world.answer(1, 2);
  world.answer(1, 3);
  EXPECT_EQ(world.take("offer"),
            Lines{"offer w1 c1 "
                  R"({"cmd":"NODE_CLUSTER","act":"newconn","key":"null:80:4:undefined","seq":4})"})
      << "an acceptance ends the rest";
}

TEST(PrimaryMachine, RestsLongerAfterEachRefusalUpToItsLimit) {
  PrimaryWorld world;
  world.join(1, true);
  world.accept(1);
  Milliseconds now = 0;
  uint64_t seq = 1;
  std::vector<Milliseconds> rests;
  for (int i = 0; i < 7; ++i) {
    world.answer(1, seq++, false);
    const Milliseconds until = world.machine.next_deadline().value();
    rests.push_back(until - now);
    now = until;
    (void)world.take();
    world.machine.time(now);
    EXPECT_EQ(world.offers(), Lines{"w1 c1"});
    EXPECT_FALSE(world.machine.accepts(1)) << "one is enough to ask with";
  }
  EXPECT_EQ(rests, (std::vector<Milliseconds>{10, 20, 40, 80, 160, 200, 200}));
}

TEST(PrimaryMachine, ServesWhatCameBackFirstAndInItsOrder) {
  PrimaryWorld world;
  world.join(1, true);
  world.accept(3);
  world.join(2, true);
  (void)world.take();
  world.machine.refused(3);
  world.machine.worker_gone(1);
  EXPECT_EQ(world.offers(), (Lines{"w2 c3", "w2 c1", "w2 c2"}));
}

TEST(PrimaryMachine, KeepsWhatComesBackInTheOrderInWhichItWasAccepted) {
  PrimaryWorld world;
  world.join(1, true);
  world.accept(3);
  for (const ConnectionId id : {3U, 1U, 2U}) world.machine.refused(id);
  (void)world.take();
  world.start(2, true);
  world.query(2);
  EXPECT_EQ(world.offers(), (Lines{"w2 c1", "w2 c2", "w2 c3"}));
}

TEST(PrimaryMachine, TrustsAWorkerFullyAgainOnceItAccepts) {
  PrimaryWorld world;
  world.join(1, true);
  world.accept(1);
  world.answer(1, 1, false);
  world.machine.time(10);
  world.answer(1, 2);
  EXPECT_EQ(world.accept(100), 16) << "its window is whole";
  world.answer(1, 3, false);
  EXPECT_EQ(world.machine.next_deadline(), 20U) << "and its next rest is short";
}

TEST(PrimaryMachine, ExpectsNoAnswerAfterANackButForgivesOne) {
  PrimaryWorld world;
  world.join(1, true);
  world.accept(1);
  world.machine.refused(1);
  (void)world.take();
  world.say(1, R"({"cmd":"NODE_CLUSTER","accepted":[],"refused":[1]})");
  EXPECT_EQ(world.take(), Lines{});
  world.say(1, R"({"cmd":"NODE_CLUSTER","accepted":[],"refused":[1]})");
  EXPECT_EQ(world.take("report").size(), 1U);
}

TEST(PrimaryMachine, BelievesNoAnswerToWhatItNeverAsked) {
  PrimaryWorld world;
  world.join(1);
  world.join(2);
  world.accept(2);
  (void)world.take();
  world.answer(1, 3);
  EXPECT_EQ(world.take().size(), 1U) << "that is the other one's";
  EXPECT_EQ(world.machine.in_flight(), 2U);
}

}  // namespace
}  // namespace baton::cluster
