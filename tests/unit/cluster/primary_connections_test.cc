// Who is given a connection, when, and what becomes of one that comes back.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "unit/cluster/primary_world.h"

namespace baton::cluster {
namespace {

TEST(PrimaryMachine, OffersAWorkerNoMoreThanItMayLeaveUnansweredAtAllItsListeners) {
  PrimaryLimits limits;
  limits.unanswered = 3;
  PrimaryWorld world({}, limits);
  world.join(1, true);
  world.query(1, 81, 2);
  world.open_all();
  EXPECT_EQ(world.accept(2, 1), 2);
  EXPECT_EQ(world.accept(5, 2), 1);
  EXPECT_FALSE(world.machine.accepts(1));
  const auto turn = [&](std::string_view how) {
    ASSERT_TRUE(world.machine.next_deadline());
    world.machine.time(*world.machine.next_deadline());
    auto lines = world.take("accept");
    std::erase_if(lines, [&](const std::string& one) { return !one.ends_with(how); });
    std::ranges::sort(lines);
    EXPECT_EQ(lines,
              (std::vector<std::string>{"accept l1" + std::string(how), "accept l2" + std::string(how)}));
  };
  turn(" off");
  world.answer(1, 2);
  EXPECT_TRUE(world.machine.accepts(1));
  EXPECT_TRUE(world.machine.accepts(2));
  turn(" on");
}

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

// Two workers of which the first answers each hand-off `slow` ms later and the second at once, as long as
// clients come; one takes `fast` ms. How many connections are answered in `time` ms.
uint64_t answered_beside_a_slow_worker(Milliseconds slow, Milliseconds fast, Milliseconds time) {
  PrimaryWorld world;
  world.join(1, true);
  world.join(2, true);
  std::deque<std::pair<Milliseconds, uint64_t>> late;
  std::deque<std::pair<Milliseconds, uint64_t>> soon;
  for (Milliseconds now = 1; now < time; ++now) {
    world.machine.time(now);
    for (int round = 0; round < 8; ++round) {  // so much the clients send in a millisecond
      while (!late.empty() && late.front().first <= now) {
        world.answer(1, late.front().second);
        late.pop_front();
      }
      while (!soon.empty() && soon.front().first <= now) {
        world.answer(2, soon.front().second);
        soon.pop_front();
      }
      world.accept(1);
      for (const std::string& line : world.take("offer")) {
        const uint64_t seq = std::stoull(line.substr(line.find("\"seq\":") + 6));
        if (line[7] == '1') late.emplace_back(now + slow, seq);
        if (line[7] == '2') soon.emplace_back(now + fast, seq);
      }
    }
  }
  return world.machine.worker(1)->handed + world.machine.worker(2)->handed;
}

TEST(PrimaryMachine, IsNotBroughtDownToThePaceOfAWorkerThatAnswersJustBeforeItWouldBePassedOver) {
  const uint64_t honest = answered_beside_a_slow_worker(1, 1, 5000);
  EXPECT_GT(answered_beside_a_slow_worker(49, 1, 5000), honest / 2);
  EXPECT_GT(answered_beside_a_slow_worker(30, 1, 5000), honest / 2);
  EXPECT_GT(answered_beside_a_slow_worker(10, 1, 5000), honest / 2);
}

TEST(PrimaryMachine, KeepsItsTurnsExactWhenAllAreEquallySlow) {
  PrimaryWorld world;
  for (const WorkerId worker : {1U, 2U}) world.join(worker, true);
  std::deque<std::pair<Milliseconds, std::pair<WorkerId, uint64_t>>> due;
  uint64_t number = 0;
  for (Milliseconds now = 1; now < 20'000; ++now) {
    world.machine.time(now);
    while (!due.empty() && due.front().first <= now) {
      world.answer(due.front().second.first, due.front().second.second);
      due.pop_front();
    }
    world.accept(64);
    for (const std::string& line : world.take("offer")) {
      const auto worker = static_cast<WorkerId>(line[7] - '0');
      const Milliseconds took = 30 + ++number % 7;  // each within 50 ms
      due.emplace_back(now + took, std::pair(worker, std::stoull(line.substr(line.find("\"seq\":") + 6))));
      std::ranges::sort(due);
    }
    const auto first =
        static_cast<int64_t>(world.machine.worker(1)->handed + world.machine.worker(1)->unanswered);
    const auto second =
        static_cast<int64_t>(world.machine.worker(2)->handed + world.machine.worker(2)->unanswered);
    ASSERT_LE(std::abs(first - second), 1) << "at " << now;
  }
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
  world.say(1, R"({"cmd":"NODE_CLUSTER","accepted":[7,8],"refused":[9]})");
  EXPECT_EQ(world.take("report"),
            Lines{"report w1 cluster: an answer to hand-off 7, and to 2 others: nothing was waiting for it"});
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
