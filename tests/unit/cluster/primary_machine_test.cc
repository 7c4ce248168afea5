#include "cluster/primary_machine.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <span>
#include <string>
#include <string_view>
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

// --- listeners

TEST(PrimaryMachine, OpensAListenerOnceForAllWhoAsk) {
  PrimaryWorld world;
  for (const WorkerId worker : {1U, 2U}) {
    world.start(worker);
    world.query(worker);
  }
  EXPECT_EQ(world.take(), Lines{"open l1"});
  world.machine.opened(1, 0, wire::Sockname{"::", "IPv6", 80});
  EXPECT_EQ(world.take("send").size(), 2U);
  EXPECT_EQ(world.machine.listener(1)->users, 2U);
}

TEST(PrimaryMachine, TellsAllWhoAskedWhenAListenerCannotBeOpenedAndForgetsIt) {
  PrimaryWorld world;
  for (const WorkerId worker : {1U, 2U}) {
    world.start(worker);
    world.query(worker);
  }
  (void)world.take();
  world.machine.open_failed(1, 0, EADDRINUSE);
  EXPECT_EQ(
      world.take(),
      (Lines{
          R"(send w1 {"cmd":"NODE_CLUSTER","errno":-98,"key":"null:80:4:undefined","ack":1,"data":null,"seq":0})",
          R"(send w2 {"cmd":"NODE_CLUSTER","errno":-98,"key":"null:80:4:undefined","ack":1,"data":null,"seq":1})",
          "listen_failed l1 listen [::]:80: address already in use"}));
  world.query(1, 80, 2);
  EXPECT_EQ(world.take(), Lines{"open l2"});
}

TEST(PrimaryMachine, RefusesTheSamePortTwiceInOneWorker) {
  PrimaryWorld world;
  world.join(1);
  world.query(1, 80, 2);
  EXPECT_EQ(world.take(),
            Lines{R"(send w1 {"cmd":"NODE_CLUSTER","errno":-98,"key":"null:80:4:undefined","ack":2,)"
                  R"("data":null,"seq":1})"});
}

TEST(PrimaryMachine, GivesTheNthPortZeroOfEveryWorkerTheSameListener) {
  PrimaryWorld world;
  const auto query = [&](WorkerId worker, int index) {
    world.say(worker, R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":)" + std::to_string(index) +
                          R"(,"data":null,"address":null,"port":0,"addressType":4,"backlog":0,"seq":5})");
  };
  world.start(1).start(2);
  query(1, 0);
  query(1, 1);
  query(2, 1);
  EXPECT_EQ(world.take(), (Lines{"open l1", "open l2"}));
  EXPECT_EQ(world.machine.listener(2)->key, "null:0:4:undefined:1");
}

TEST(PrimaryMachine, EchoesTheFirstDataOfAListenerToEverybody) {
  PrimaryWorld world;
  world.start(1).start(2);
  for (const auto& [worker, keys] : {std::pair(1U, "aa"), std::pair(2U, "bb")}) {
    world.say(worker, R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":{"ticketKeys":")" +
                          std::string(keys) +
                          R"("},"address":null,"port":443,"addressType":4,"backlog":0,"seq":1})");
  }
  world.machine.opened(1, 0, std::nullopt);
  const Lines lines = world.take("send");
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines) EXPECT_TRUE(line.contains(R"("data":{"ticketKeys":"aa"})")) << line;
}

TEST(PrimaryMachine, ListensWithABacklogOfItsOwnUnlessOneIsAskedFor) {
  PrimaryWorld world;
  world.start(1);
  world.query(1, 80);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":81,)"
               R"("addressType":4,"backlog":7,"seq":2})");
  EXPECT_EQ(world.machine.listener(1)->backlog, 4096);
  EXPECT_EQ(world.machine.listener(2)->backlog, 7);
}

TEST(PrimaryMachine, KeepsAListenerWhoseWorkersHaveDied) {
  PrimaryWorld world;
  world.join(1);
  world.machine.worker_gone(1);
  world.machine.time(100000);
  EXPECT_EQ(world.take("close_listener"), Lines{});
  world.start(2);
  world.query(2);
  EXPECT_EQ(world.take("open"), Lines{}) << "it is open";
}

TEST(PrimaryMachine, ClosesAListenerASecondAfterItsLastUserClosedIt) {
  PrimaryWorld world;
  world.join(1);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:80:4:undefined","seq":2})");
  (void)world.take();
  world.machine.time(999);
  EXPECT_EQ(world.take(), Lines{});
  world.machine.time(1000);
  EXPECT_EQ(world.take(), Lines{"close_listener l1"});
}

TEST(PrimaryMachine, KeepsAListenerThatIsAskedForAgainWithinASecond) {
  PrimaryWorld world;
  world.join(1);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:80:4:undefined","seq":2})");
  world.machine.time(999);
  world.query(1, 80, 3);
  (void)world.take();
  world.machine.time(5000);
  EXPECT_EQ(world.take(), Lines{});
}

TEST(PrimaryMachine, KeepsTheListenerOfAWorkerThatClosesItInOrderToLeave) {
  PrimaryWorld world;
  world.join(1);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:80:4:undefined","seq":2})");
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":3})");
  EXPECT_EQ(world.take("send"), Lines{R"(send w1 {"cmd":"NODE_CLUSTER","ack":3,"seq":1})"});
  EXPECT_TRUE(world.machine.worker(1)->exited_after_disconnect);
  world.machine.time(5000);
  EXPECT_EQ(world.take(), Lines{});
}

TEST(PrimaryMachine, KeepsAListenerThatOthersUse) {
  PrimaryWorld world;
  world.join(1);
  world.join(2);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:80:4:undefined","seq":2})");
  (void)world.take();
  world.machine.time(5000);
  EXPECT_EQ(world.take(), Lines{});
}

TEST(PrimaryMachine, DropsWhatWaitsForAListenerThatIsClosed) {
  PrimaryWorld world;
  world.join(1);
  world.accept(1);
  world.answer(1, 1, false);
  (void)world.take();
  world.machine.close_listeners();
  EXPECT_EQ(world.take(), (Lines{"close c1", "close_listener l1"}));
  EXPECT_EQ(world.machine.waiting(), 0U);
}

TEST(PrimaryMachine, AsksNothingOfAWorkerThatWasToldToDisconnect) {
  PrimaryWorld world;
  world.join(1);
  world.accept(1);
  world.machine.disconnect(1);
  world.machine.disconnect(1);
  world.query(1, 81, 7);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:80:4:undefined","seq":8})");
  EXPECT_EQ(world.take("send"), Lines{R"(send w1 {"cmd":"NODE_CLUSTER","act":"disconnect","seq":2})"});
  EXPECT_FALSE(world.machine.accepts(1));
  world.answer(1, 1);
  EXPECT_EQ(world.take("close"), Lines{"close c1 taken by w1"}) << "its answers still count";
}

TEST(PrimaryMachine, HasALimitForEverythingAWorkerCanAskFor) {
  PrimaryLimits limits;
  limits.listeners_of_a_worker = 3;
  limits.open_queries = 2;
  PrimaryWorld world({}, limits);
  world.start(1);
  for (int port = 1; port <= 3; ++port) world.query(1, port, static_cast<unsigned>(port));
  EXPECT_EQ(world.take().back(),
            R"(send w1 {"cmd":"NODE_CLUSTER","errno":-24,"key":"null:3:4:undefined","ack":3,)"
            R"("data":null,"seq":0})");
  world.open_all();
  world.query(1, 3, 4);
  world.open_all();
  (void)world.take();
  world.query(1, 4, 5);
  EXPECT_EQ(world.take().size(), 1U);
  EXPECT_EQ(world.machine.listeners().size(), 3U);
}

TEST(PrimaryMachine, AnswersABadQuerySoThatNodeDoesNotWaitForEver) {
  PrimaryWorld world;
  world.start(1);
  world.query(1, 70000, 4);
  const Lines lines = world.take();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].starts_with("report w1 cluster: port: {\"cmd\"")) << lines[0];
  EXPECT_EQ(lines[1], R"(send w1 {"cmd":"NODE_CLUSTER","errno":-22,"key":"","ack":4,"data":null,"seq":0})");
}

// --- policies

TEST(PrimaryMachine, SharesOneSocketUnderTheSharedPolicy) {
  PrimaryWorld world{Policy(Policy::Kind::shared)};
  world.start(1);
  world.query(1);
  world.open_all();
  EXPECT_EQ(world.take(),
            (Lines{"open l1", R"(share w1 l1 {"cmd":"NODE_CLUSTER","errno":0,"key":"null:80:4:undefined",)"
                              R"("ack":1,"data":null,"seq":0})"}));
  EXPECT_FALSE(world.machine.accepts(1));
}

TEST(PrimaryMachine, TellsAWorkerThatCouldNotBeGivenItsSocket) {
  PrimaryWorld world{Policy(Policy::Kind::reuse_port)};
  world.start(1).start(2);
  world.query(1);
  world.query(2);
  world.machine.opened(1, 1, wire::Sockname{"::", "IPv6", 80});
  world.machine.opened(1, 2, wire::Sockname{"::", "IPv6", 80});
  (void)world.take();
  world.machine.share_failed(1, 1);
  EXPECT_EQ(
      world.take(),
      (Lines{
          R"(send w1 {"cmd":"NODE_CLUSTER","errno":-24,"key":"null:80:4:undefined","ack":1,"data":null,"seq":2})",
          "accept l1/1 on"}))
      << "the primary serves the socket meanwhile";
}

TEST(PrimaryMachine, SharesUdpSocketsUnderEveryPolicy) {
  PrimaryWorld world;
  world.start(1);
  world.say(
      1, R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":0,)"
         R"("addressType":"udp4","fd":-1,"flags":0,"seq":1})");
  EXPECT_EQ(world.machine.listener(1)->sharing, Sharing::datagrams);
  world.machine.opened(1, 0, wire::Sockname{"127.0.0.1", "IPv4", 5000});
  EXPECT_EQ(world.take("share").size(), 1U);
}

TEST(PrimaryMachine, KeepsASocketForEachSlotAndServesTheOneThatNobodyServes) {
  PrimaryWorld world{Policy(Policy::Kind::reuse_port)};
  world.start(1).start(2);
  world.query(1);
  world.query(2);
  EXPECT_EQ(world.take(), (Lines{"open l1/1", "open l1/2"}));
  world.machine.opened(1, 1, wire::Sockname{"::", "IPv6", 80});
  world.machine.opened(1, 2, wire::Sockname{"::", "IPv6", 80});
  EXPECT_EQ(world.take("share").size(), 2U);
  world.machine.worker_gone(1);
  EXPECT_EQ(world.take(), Lines{"accept l1/1 on"});
  EXPECT_TRUE(world.machine.accepts(1, 1));
  world.machine.accepted(1, 1, "");
  EXPECT_EQ(world.offers(), Lines{"w2 c1"});
  world.machine.worker_started(3, 1);
  world.query(3);
  const Lines lines = world.take();
  EXPECT_EQ(lines.size(), 1U) << "the socket is there, and the primary no longer accepts from it";
  EXPECT_TRUE(lines.front().starts_with("share w3 l1/1"));
}

TEST(PrimaryMachine, SendsTheSameClientToTheSameSlot) {
  PrimaryWorld world{Policy(Policy::Kind::sticky)};
  for (const WorkerId worker : {1U, 2U, 3U}) world.join(worker, true);
  std::map<std::string, std::string> homes;
  for (int round = 0; round < 3; ++round) {
    for (int client = 0; client < 20; ++client) {
      const std::string name = "192.0.2." + std::to_string(client);
      world.machine.accepted(1, ++world.connection, name);
      for (const std::string& line : world.take("offer")) {
        const std::string worker = line.substr(6, 2);
        EXPECT_EQ(homes.try_emplace(name, worker).first->second, worker);
        world.answer(static_cast<WorkerId>(worker[1] - '0'),
                     std::stoull(line.substr(line.find("\"seq\":") + 6)));
      }
    }
  }
  std::map<std::string, int> share;
  for (const auto& [client, worker] : homes) ++share[worker];
  EXPECT_EQ(share.size(), 3U);
}

TEST(PrimaryMachine, LooksForTheCookieBeforeItChooses) {
  PrimaryWorld world(Policy::sticky(Policy::Sticky::cookie, "session"));
  world.join(1, true);
  EXPECT_EQ(world.accept(1), 1);
  EXPECT_EQ(world.take(), Lines{"look c1"});
  world.machine.sticky_value(1, "abc");
  EXPECT_EQ(world.offers(), Lines{"w1 c1"});
}

TEST(PrimaryMachine, GivesTheNextConnectionToTheLessLoaded) {
  PrimaryWorld world{Policy(Policy::Kind::least_loaded)};
  world.join(1, true);
  world.join(2, true);
  world.say(1, R"({"cmd":"NODE_BATON_LOAD","connections":9,"lag":0})");
  world.say(2, R"({"cmd":"NODE_BATON_LOAD","connections":2,"lag":0})");
  EXPECT_EQ(world.machine.worker(1)->connections, 9U);
  EXPECT_EQ(world.accept(3), 3);
  EXPECT_EQ(world.offers(), (Lines{"w2 c1", "w2 c2", "w2 c3"}));
  world.say(2, R"({"cmd":"NODE_BATON_LOAD","connections":2,"lag":80})");
  EXPECT_EQ(world.accept(1), 1);
  EXPECT_EQ(world.offers(), Lines{"w1 c4"}) << "a loop that is late is avoided";
}

TEST(PrimaryMachine, AsksTheProgramWhoGetsTheNextConnection) {
  std::string seen;
  PrimaryWorld world(Policy::chosen([&](std::span<const Candidate> workers, std::string_view client) {
    seen = client;
    return workers.back().id() == 2 ? 1 : 99;
  }));
  world.join(1);
  world.join(2);
  EXPECT_EQ(world.accept(1), 1);
  EXPECT_EQ(seen, "192.0.2.1");
  EXPECT_EQ(world.offers(), Lines{"w2 c1"});
  EXPECT_EQ(world.accept(1), 1);
  EXPECT_EQ(world.offers(), Lines{}) << "nobody now";
  world.answer(2, world.machine.worker(2)->unanswered + 1);
  EXPECT_EQ(world.offers(), Lines{"w2 c2"});
}

// --- hangs and orphans

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
