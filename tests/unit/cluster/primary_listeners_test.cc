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

void two_ask(PrimaryWorld& world) {
  for (const WorkerId worker : {1U, 2U}) {
    world.start(worker);
    world.query(worker);
  }
}

TEST(PrimaryMachine, OpensAListenerOnceForAllWhoAsk) {
  PrimaryWorld world;
  two_ask(world);
  EXPECT_EQ(world.take(), Lines{"open l1"});
  world.machine.opened(1, 0, wire::Sockname{"::", "IPv6", 80});
  EXPECT_EQ(world.take("send").size(), 2U);
  EXPECT_EQ(world.machine.listener(1)->users, 2U);
}

TEST(PrimaryMachine, TellsAllWhoAskedWhenAListenerCannotBeOpenedAndForgetsIt) {
  PrimaryWorld world;
  two_ask(world);
  (void)world.take();
  world.machine.open_failed(1, 0, EADDRINUSE);
  EXPECT_EQ(
      world.take(),
      (Lines{
          R"(send w1 {"cmd":"NODE_CLUSTER","errno":-98,"key":"null:80:4:undefined","ack":1,"data":null,"seq":0})",
          R"(send w2 {"cmd":"NODE_CLUSTER","errno":-98,"key":"null:80:4:undefined","ack":1,"data":null,"seq":1})",
          "listen_failed w1 listen [::]:80: address already in use"}));
  world.query(1, 80, 2);
  EXPECT_EQ(world.take(), Lines{"open l2"});
}

// Opening takes as long as somebody likes who holds the folder.
TEST(PrimaryMachine, OpensForWhoElseWaitsWhatWasHeldUpForOneWhoAsked) {
  PrimaryWorld world;
  two_ask(world);
  (void)world.take();
  world.machine.open_failed(1, 0, ETIMEDOUT);
  EXPECT_EQ(
      world.take(),
      (Lines{
          R"(send w1 {"cmd":"NODE_CLUSTER","errno":-110,"key":"null:80:4:undefined","ack":1,"data":null,"seq":0})",
          "listen_failed w1 listen [::]:80: connection timed out", "open l1"}));
  world.machine.opened(1, 0, wire::Sockname{"::", "IPv6", 80});
  EXPECT_EQ(world.take("send").size(), 1U);
  EXPECT_EQ(world.machine.listener(1)->users, 1U);
}

TEST(PrimaryMachine, OpensForWhoElseWaitsWhenWhoAskedHasDied) {
  PrimaryWorld world;
  two_ask(world);
  (void)world.take();
  world.machine.worker_gone(1);
  (void)world.take();
  world.machine.open_failed(1, 0, ECANCELED);
  EXPECT_EQ(world.take(), Lines{"open l1"});
}

TEST(PrimaryMachine, ClosesWhatWasOpenedForOneWhoDiedMeanwhileAsWhatItHad) {
  PrimaryWorld world;
  world.start(1);
  world.query(1);
  EXPECT_EQ(world.take(), Lines{"open l1"});
  world.machine.worker_gone(1);
  world.machine.opened(1, 0, wire::Sockname{"::", "IPv6", 80});
  world.machine.worker_started(2, 1);
  world.say(2, R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,)"
               R"("port":81,"addressType":4,"backlog":0,"seq":1})");
  (void)world.take();
  world.machine.time(60'000);
  EXPECT_EQ(world.take(), Lines{"close_listener l1"});
}

// Of a machine whose workers may fail three times at once.
PrimaryWorld strict_world() {
  PrimaryLimits limits;
  limits.failed_open = 100;
  limits.failed_opens = 250;
  return PrimaryWorld({}, limits);
}

void fail(PrimaryWorld& world, WorkerId worker, int times) {
  for (int i = 1; i <= times; ++i) {
    world.query(worker, i, static_cast<unsigned>(i));
    for (const ListenerId id : world.machine.listeners()) world.machine.open_failed(id, 0, EADDRNOTAVAIL);
  }
  (void)world.take();
}

TEST(PrimaryMachine, OpensInTurnsWhatAWorkerAsksForThatHasFailedOften) {
  PrimaryWorld world = strict_world();
  world.start(1).start(2);
  fail(world, 1, 3);
  world.query(1, 11, 11);
  world.query(1, 12, 12);
  world.query(1, 13, 13);
  EXPECT_EQ(world.take(), Lines{});
  EXPECT_EQ(world.machine.next_deadline(), 100U);
  world.query(2, 13, 1);
  EXPECT_EQ(world.take(), Lines{"open l6"}) << "who has not failed need not wait";
  world.query(2, 14, 2);
  EXPECT_EQ(world.take(), Lines{"open l7"});
  world.machine.time(100);
  EXPECT_EQ(world.take(), Lines{"open l4"});
  world.machine.open_failed(4, 0, EADDRNOTAVAIL);
  (void)world.take();
  world.machine.time(199);
  EXPECT_EQ(world.take(), Lines{});
  world.machine.time(200);
  EXPECT_EQ(world.take(), Lines{"open l5"});
  world.machine.open_failed(5, 0, EADDRNOTAVAIL);
  (void)world.take();
  world.machine.time(1000);
  world.query(1, 15, 15);
  EXPECT_EQ(world.take(), Lines{"open l8"}) << "its failures are forgotten";
}

TEST(PrimaryMachine, ForgetsWhatAWorkerWaitsForThatLeaves) {
  PrimaryWorld world = strict_world();
  world.start(1).start(2);
  for (const WorkerId worker : {1U, 2U}) fail(world, worker, 3);
  world.query(1, 11, 11);
  world.query(1, 12, 12);
  world.query(2, 12, 12);
  world.machine.worker_gone(1);
  EXPECT_EQ(world.machine.listeners().size(), 1U) << "somebody else waits for that one";
  EXPECT_EQ(world.take(), Lines{});
  world.machine.time(100);
  EXPECT_EQ(world.take().size(), 1U);
  world.query(2, 13, 13);
  world.machine.close_listeners();
  (void)world.take();
  world.machine.time(1000);
  EXPECT_EQ(world.take(), Lines{});
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

constexpr std::string_view on_loopback =
    R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1",)"
    R"("port":80,"addressType":4,"backlog":0,"seq":8})";

TEST(PrimaryMachine, APortThatNobodyUsesYieldsToWhoAsksForItByAnotherAddress) {
  for (const bool dies : {false, true}) {
    PrimaryWorld world;
    world.join(1);
    // Who has the place of a dead one may want its port otherwise.
    world.machine.worker_started(2, dies ? 1 : 2);
    if (dies) {
      world.machine.worker_gone(1);
    } else {
      world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:80:4:undefined","seq":2})");
    }
    world.say(2, on_loopback);
    (void)world.take();
    world.machine.open_failed(2, 0, EADDRINUSE);
    EXPECT_EQ(world.take(), (Lines{"close_listener l1", "open l2"}));
    world.machine.open_failed(2, 0, EADDRINUSE);
    EXPECT_EQ(world.take("listen_failed").size(), 1U) << "somebody else has it";
  }
}

TEST(PrimaryMachine, APortThatADeadWorkerHasLeftIsKeptForItsSuccessor) {
  PrimaryWorld world;
  world.join(1);
  world.start(2);
  world.machine.worker_gone(1);
  world.say(2, on_loopback);
  (void)world.take();
  world.machine.open_failed(2, 0, EADDRINUSE);
  EXPECT_EQ(world.take("listen_failed").size(), 1U);
  EXPECT_EQ(world.machine.listeners(), std::vector<ListenerId>{1});
}

TEST(PrimaryMachine, APortThatIsUsedOrAnotherUsersYieldsToNobody) {
  for (const bool used : {false, true}) {
    PrimaryWorld world;
    world.join(1);
    world.start(2);
    if (!used) {
      world.machine.worker_gone(1);
      world.machine.runs_as(2, 1001);
    }
    world.say(2, on_loopback);
    (void)world.take();
    world.machine.open_failed(2, 0, EADDRINUSE);
    EXPECT_EQ(world.take("listen_failed").size(), 1U);
    EXPECT_EQ(world.machine.listeners(), std::vector<ListenerId>{1});
  }
}

TEST(PrimaryMachine, ANumberThatOneWorkerAloneWantedIsFreeAtOnce) {
  const auto give_up = [](PrimaryWorld& world, WorkerId worker) {
    world.say(worker, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:0:4:undefined:0","seq":2})");
    return world.take("close_listener");
  };
  PrimaryWorld alone;
  alone.start(1).query(1, 0);
  alone.open_all();
  EXPECT_EQ(give_up(alone, 1), Lines{"close_listener l1"});
  PrimaryWorld both;
  both.start(1).start(2);
  both.query(1, 0);
  both.query(2, 0);
  both.open_all();
  EXPECT_EQ(give_up(both, 1), Lines{});
  EXPECT_EQ(give_up(both, 2), Lines{}) << "it is the service's";
}

TEST(PrimaryMachine, ANumberStaysWithAWorkerThatMayGiveAConnectionBack) {
  PrimaryWorld world;
  world.start(1).query(1, 0);
  world.open_all();
  world.accept(1);
  world.say(1, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:0:4:undefined:0","seq":2})");
  EXPECT_EQ(world.take("close_listener"), Lines{});
  world.machine.time(1000);
  EXPECT_EQ(world.take("close_listener"), Lines{"close_listener l1"});
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
  EXPECT_EQ(world.take(),
            (Lines{"report w1 listen [::]:4: more listeners than it may have: too many open files",
                   R"(send w1 {"cmd":"NODE_CLUSTER","errno":-24,"key":"null:4:4:undefined","ack":5,)"
                   R"("data":null,"seq":4})"}));
  EXPECT_EQ(world.machine.listeners().size(), 3U);
}

PrimaryWorld small_world() {
  PrimaryLimits limits;
  limits.listeners_of_a_worker = 3;
  limits.listeners = 7;
  return PrimaryWorld({}, limits);
}

// A life of a worker in that slot, which asks for these ports and dies.
void live(PrimaryWorld& world, WorkerId worker, unsigned slot, const std::vector<int>& ports) {
  world.machine.worker_started(worker, slot);
  unsigned seq = 1;
  for (const int port : ports) world.query(worker, port, seq++);
  world.open_all();
  world.machine.worker_gone(worker);
}

TEST(PrimaryMachine, LetsTheLivesOfAWorkerLeaveNoMoreListenersThanOneMayHave) {
  PrimaryWorld world = small_world();
  for (WorkerId life = 1; life <= 50; ++life) {
    const int first = static_cast<int>(life) * 10;
    live(world, life, 1, {80, first, first + 1, first + 2});
    EXPECT_LE(world.machine.listeners().size(), 3U);
  }
  EXPECT_EQ(world.machine.listener(1)->key, "null:80:4:undefined") << "the port outlives the workers";
}

TEST(PrimaryMachine, ClosesWhatADeadWorkerAloneUsedWhenAnotherNeedsRoom) {
  PrimaryWorld world = small_world();
  world.join(9);
  live(world, 1, 1, {1, 2, 3});
  live(world, 2, 2, {4, 5, 6});
  EXPECT_EQ(world.machine.listeners().size(), 7U);
  (void)world.take();
  world.query(9, 90, 2);
  EXPECT_EQ(world.take(), (Lines{"close_listener l2", "open l8"})) << "the first that was left";
  EXPECT_EQ(world.machine.listener(1)->users, 1U);
}

// It asks for the port and gives it up again.
void open_and_close(PrimaryWorld& world, WorkerId worker, int port) {
  world.query(worker, port, static_cast<unsigned>(port));
  world.open_all();
  world.say(worker, R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:)" + std::to_string(port) +
                        R"(:4:undefined","seq":0})");
}

TEST(PrimaryMachine, CountsWhatAWorkerGaveUpUntilItIsClosed) {
  for (const bool together : {false, true}) {
    PrimaryWorld world = small_world();
    world.start(1).start(2);
    for (int port = 1; port <= 50; ++port) {
      if (together) world.query(2, port, static_cast<unsigned>(port));
      open_and_close(world, 1, port);
      if (together) open_and_close(world, 2, port);
      EXPECT_LE(world.machine.listeners().size(), together ? 6U : 3U);
    }
    EXPECT_EQ(world.take("report"), Lines{}) << "it may go on";
  }
}

TEST(PrimaryMachine, CountsWhatTheLivesOfAWorkerGaveUpBeforeTheyEnded) {
  PrimaryWorld world = small_world();
  for (WorkerId life = 1; life <= 50; ++life) {
    world.machine.worker_started(life, 1);
    for (int port = 1; port <= 3; ++port) open_and_close(world, life, static_cast<int>(life) * 10 + port);
    world.machine.worker_gone(life);
    EXPECT_LE(world.machine.listeners().size(), 3U);
  }
}

TEST(PrimaryMachine, CountsAListenerThatCouldNotBeSharedUntilItIsClosed) {
  PrimaryLimits limits;
  limits.listeners_of_a_worker = 3;
  PrimaryWorld world(Policy(Policy::Kind::shared), limits);
  world.start(1);
  for (ListenerId id = 1; id <= 50; ++id) {
    world.query(1, static_cast<int>(id), id);
    world.open_all();
    world.machine.share_failed(1, id);
    EXPECT_LE(world.machine.listeners().size(), 3U);
  }
  world.machine.time(1000);
  EXPECT_EQ(world.machine.listeners(), std::vector<ListenerId>{}) << "nobody ever listened";
}

TEST(PrimaryMachine, ClosesWhatWasGivenUpBeforeWhatTheDeadHaveLeft) {
  PrimaryWorld world = small_world();
  world.join(9);
  live(world, 1, 1, {1, 2, 3});
  world.start(2);
  for (const int port : {4, 5, 6}) open_and_close(world, 2, port);
  EXPECT_EQ(world.machine.listeners().size(), 7U);
  (void)world.take();
  world.query(9, 90, 2);
  EXPECT_EQ(world.take(), (Lines{"close_listener l5", "open l8"}));
}

TEST(PrimaryMachine, RefusesAListenerWhenEverySocketIsInUse) {
  PrimaryWorld world = small_world();
  for (WorkerId worker = 1; worker <= 3; ++worker) {
    world.start(worker);
    for (unsigned i = 1; i <= 3; ++i) world.query(worker, static_cast<int>(worker * 10 + i), i);
    world.open_all();
  }
  EXPECT_EQ(
      world.take("report"),
      (Lines{"report w3 listen [::]:32: more listeners than it may have: too many open files in system",
             "report w3 listen [::]:33: more listeners than it may have: too many open files in system"}));
  EXPECT_EQ(world.machine.listeners().size(), 7U);
}

TEST(PrimaryMachine, ClosesAListenerThatNobodyInheritsWhileItsHeirListensElsewhere) {
  PrimaryWorld world;
  world.machine.time(1000);
  live(world, 1, 1, {80, 81});
  const auto heir = [&](WorkerId worker) {
    world.machine.worker_started(worker, 1);
    world.query(worker);
    world.say(worker, R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,)"
                      R"("port":80,"addressType":4,"fd":-1,"seq":2})");
  };
  heir(2);
  world.machine.time(60'000);
  world.machine.worker_gone(2);
  world.machine.time(200'000);
  EXPECT_EQ(world.machine.listeners().size(), 2U) << "a crash loop closes nothing";
  heir(3);
  world.machine.time(259'999);
  EXPECT_EQ(world.machine.listeners().size(), 2U);
  world.machine.time(260'000);
  EXPECT_EQ(world.take("close_listener"), Lines{"close_listener l2"});
}

TEST(PrimaryMachine, KeepsAListenerWhoseHeirAsksForItInTime) {
  PrimaryWorld world;
  live(world, 1, 1, {80, 81});
  world.machine.worker_started(2, 1);
  world.query(2);
  world.say(2, R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,)"
               R"("port":80,"addressType":4,"fd":-1,"seq":2})");
  world.machine.time(59'000);
  world.query(2, 81, 3);
  world.machine.time(120'000);
  EXPECT_EQ(world.take("close_listener"), Lines{});
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

TEST(PrimaryMachine, SharesAListenerAmongTheWorkersOfOneUserOnly) {
  PrimaryWorld world;
  for (const WorkerId worker : {1U, 2U, 3U}) world.start(worker);
  world.machine.runs_as(1, 1000);
  world.query(1);
  world.open_all();
  (void)world.take();
  world.machine.runs_as(2, 1001);
  world.query(2);
  EXPECT_EQ(
      world.take(),
      (Lines{"listen_failed w2 listen [::]:80: it belongs to workers of another user: permission denied",
             R"(send w2 {"cmd":"NODE_CLUSTER","errno":-13,"key":"null:80:4:undefined","ack":1,)"
             R"("data":null,"seq":1})"}));
  world.machine.runs_as(3, 1000);
  world.query(3);
  EXPECT_EQ(world.machine.listener(1)->users, 2U);
}

// Root's wrapper may ask for something else while what another user asked for waits for its turn.
TEST(PrimaryMachine, SaysOfWhatIsOpenedWhoOfTheWorkerAskedForIt) {
  PrimaryWorld world = strict_world();
  world.start(1);
  fail(world, 1, 3);
  world.machine.runs_as(1, 65534, {{7, 65534}});
  world.query(1, 11, 11);
  world.machine.runs_as(1, 0, {{6, 0}});
  world.query(1, 12, 12);
  for (const Milliseconds time : {100U, 200U}) {
    world.machine.time(time);
    const auto action = world.machine.next_action();
    ASSERT_TRUE(action && action->kind == PrimaryAction::Kind::open);
    const std::vector<Sender> one = {time == 100 ? Sender{7, 65534} : Sender{6, 0}};
    EXPECT_EQ(action->speakers, one);
    world.machine.open_failed(action->listener, 0, EADDRNOTAVAIL);
    (void)world.take();
  }
}

TEST(PrimaryMachine, TellsOnceOfAWorkerThatAsksForWhatItMayNotHave) {
  PrimaryWorld world;
  world.start(1);
  for (unsigned ask = 1; ask <= 3; ++ask) {
    world.query(1, 80, ask);
    world.machine.open_failed(ask, 0, EACCES, "no rule allows it");
    const auto told = world.take();
    EXPECT_EQ(std::ranges::count_if(told, [](const auto& line) { return line.starts_with("send w1"); }), 1);
    EXPECT_EQ(
        std::ranges::count(told, "listen_failed w1 listen [::]:80: no rule allows it: permission denied"),
        ask == 1 ? 1 : 0);
  }
}

}  // namespace
}  // namespace baton::cluster
