// Which listeners there are, for whom, and for how long.

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "unit/cluster/primary_world.h"

namespace baton::cluster {
namespace {

using Lines = std::vector<std::string>;

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

}  // namespace
}  // namespace baton::cluster
