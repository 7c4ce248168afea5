#include "cluster/worker_machine.h"

#include <gtest/gtest.h>

#include "unit/cluster/worker_world.h"

namespace baton::cluster {
namespace {

using Lines = std::vector<std::string>;

// --- under a Node primary: wire-protocol 11.6, byte for byte

TEST(WorkerMachine, SaysToANodePrimaryWhatANodeWorkerSays) {
  WorkerMachine machine;
  WorkerWorld world;
  machine.start();
  EXPECT_EQ(to_json(machine.next_action()->message), R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})");

  auto query = WorkerWorld::port(0);
  query.address = "127.0.0.1";
  world.machine.listen(1, query);
  EXPECT_EQ(
      world.take(),
      Lines{
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":0,)"
          R"("addressType":4,"flags":0,"backlog":0,"seq":1})"});
  world.hear(R"({"cmd":"NODE_CLUSTER","errno":null,"key":"127.0.0.1:0:4:undefined:0","ack":1,"data":null,)"
             R"("sockname":{"address":"127.0.0.1","family":"IPv4","port":39771},"seq":0})");
  EXPECT_EQ(world.take(), Lines{"emulate s1 127.0.0.1 39771"});
  world.machine.listening(1, 39771);
  EXPECT_EQ(
      world.take(),
      Lines{
          R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":"127.0.0.1","port":39771,)"
          R"("addressType":4,"flags":0,"backlog":0,"seq":2})"});
  world.hear(R"({"cmd":"NODE_CLUSTER","act":"newconn","key":"127.0.0.1:0:4:undefined:0","seq":1})", 7);
  EXPECT_EQ(world.take(),
            (Lines{R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":true,"seq":3})", "deliver s1 h7"}));
  world.machine.disconnect();
  EXPECT_EQ(world.take(),
            (Lines{"close_server s1",
                   R"({"cmd":"NODE_CLUSTER","act":"close","key":"127.0.0.1:0:4:undefined:0","seq":4})"}));
  world.machine.connection_closed(1);
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":5})"});
  world.hear(R"({"cmd":"NODE_CLUSTER","ack":5,"seq":3})");
  EXPECT_EQ(world.take(), Lines{"end_channel"});
  world.machine.channel_ended();
  EXPECT_EQ(world.take(), Lines{"ended as agreed"});
}

TEST(WorkerMachine, EndsAtOnceWhenThePrimaryKnowsThatItIsMeant) {
  WorkerWorld world;
  world.serve();
  world.hear(R"({"cmd":"NODE_CLUSTER","act":"newconn","key":"k","seq":1})", 7);
  std::ignore = world.take();
  world.machine.kill();
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":4})"});
  world.machine.kill();
  EXPECT_EQ(world.take(), Lines{});
  world.hear(R"({"cmd":"NODE_CLUSTER","ack":4,"seq":3})");
  EXPECT_EQ(world.take(), Lines{"end_channel"});
  world.machine.channel_ended();
  EXPECT_EQ(world.take(), Lines{"ended as agreed"});
}

TEST(WorkerMachine, LeavesWhenThePrimaryTellsItTo) {
  WorkerWorld world;
  world.serve();
  world.hear(R"({"cmd":"NODE_CLUSTER","act":"disconnect","seq":4})");
  EXPECT_EQ(
      world.take(),
      (Lines{"close_server s1", R"({"cmd":"NODE_CLUSTER","act":"close","key":"k","seq":3})", "end_channel"}));
  EXPECT_TRUE(world.machine.leaving());
}

TEST(WorkerMachine, WaitsForOpenConnectionsBeforeItLeaves) {
  WorkerWorld world;
  world.serve();
  world.connection(7, 1);
  world.hear(R"({"cmd":"NODE_CLUSTER","act":"disconnect","seq":4})");
  const Lines lines = world.take();
  EXPECT_EQ(std::ranges::count(lines, "end_channel"), 0);
  world.machine.connection_closed(1);
  EXPECT_EQ(world.take(), Lines{"end_channel"});
}

TEST(WorkerMachine, EndsWithoutAgreementWhenThePrimaryIsGone) {
  WorkerWorld world;
  world.serve();
  world.machine.channel_ended();
  EXPECT_EQ(world.take(), Lines{"ended"});
}

TEST(WorkerMachine, DeliversAConnectionOnlyWhenItsAcceptanceIsInTheKernel) {
  WorkerWorld world;
  world.serve();
  world.kernel_full = true;
  world.connection(7, 1);
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":true,"seq":3})"});
  world.machine.in_kernel(world.last_token);
  EXPECT_EQ(world.take(), Lines{"deliver s1 h7"});
}

TEST(WorkerMachine, DeliversOnlyThatOfTwoWhoseAcceptanceIsInTheKernel) {
  WorkerWorld world;
  world.serve();
  world.kernel_full = true;
  world.connection(7, 1);
  (void)world.take();
  const uint64_t first = world.last_token;
  world.connection(8, 2);
  (void)world.take();
  world.machine.in_kernel(first);
  EXPECT_EQ(world.take(), Lines{"deliver s1 h7"});
  world.machine.in_kernel(world.last_token);
  EXPECT_EQ(world.take(), Lines{"deliver s1 h8"});
}

TEST(WorkerMachine, ClosesWhatItCouldNotSayItHadAccepted) {
  WorkerWorld world;
  world.serve();
  world.kernel_full = true;
  world.connection(7, 1);
  (void)world.take();
  world.machine.channel_ended();
  EXPECT_EQ(world.take(), (Lines{"close_handle h7", "ended"}));
  world.machine.in_kernel(world.last_token);
  EXPECT_EQ(world.take(), Lines{});
  EXPECT_EQ(world.machine.connections(), 0U);
}

TEST(WorkerMachine, RefusesAConnectionOfAServerThatIsClosedOrFullOrUnknown) {
  WorkerWorld world;
  world.serve();
  world.connection(7, 1, true, "bogus");
  EXPECT_EQ(world.take(),
            (Lines{"close_handle h7", R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":false,"seq":3})"}));
  world.machine.max_connections(1, 1);
  world.connection(8, 2);
  world.connection(9, 3);
  EXPECT_EQ(world.take(),
            (Lines{R"({"cmd":"NODE_CLUSTER","ack":2,"accepted":true,"seq":4})", "close_handle h9",
                   R"({"cmd":"NODE_CLUSTER","ack":3,"accepted":false,"seq":5})", "deliver s1 h8"}));
  world.machine.close(1);
  world.connection(10, 4);
  EXPECT_EQ(world.take(),
            (Lines{R"({"cmd":"NODE_CLUSTER","act":"close","key":"k","seq":6})", "close_handle h10",
                   R"({"cmd":"NODE_CLUSTER","ack":4,"accepted":false,"seq":7})"}));
}

TEST(WorkerMachine, RefusesAConnectionThatLostItsDescriptorAndClosesItWhenItIsSentAgain) {
  WorkerWorld world;
  world.serve();
  world.machine.handle_lost(
      Value::object({{"cmd", "NODE_CLUSTER"}, {"act", "newconn"}, {"key", "k"}, {"seq", 1}}));
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":false,"seq":3})"});
  world.connection(7, 1);
  EXPECT_EQ(world.take(), Lines{"close_handle h7"}) << "somebody else may have it by now";
}

TEST(WorkerMachine, GivesTheKeyBackWhoseListenerItLosesUnlessThePrimaryIsABatonAndKnows) {
  for (const bool baton : {false, true}) {
    WorkerWorld world;
    if (baton) world.machine.primary_is_baton();
    world.machine.listen(1, WorkerWorld::port(80));
    (void)world.take();
    const Value reply = Value::object({{"cmd", "NODE_CLUSTER"}, {"key", "k"}, {"ack", 1}, {"seq", 0}});
    for (int i = 0; i < 3; ++i) world.machine.handle_lost(reply);
    EXPECT_EQ(world.take(), Lines{}) << "it is sent again";
    world.machine.handle_lost(reply);
    Lines lines = world.take();
    ASSERT_EQ(lines.size(), baton ? 1U : 2U);
    EXPECT_TRUE(lines.back().starts_with("failed s1")) << lines.back();
    if (!baton) {
      EXPECT_EQ(lines.front(), R"({"cmd":"NODE_CLUSTER","act":"close","key":"k","seq":2})");
    }
  }
}

TEST(WorkerMachine, CountsServersOfOnePlaceAndBeginsAgainWhenAllAreClosed) {
  WorkerWorld world;
  const auto index_of = [&](ServerId server) {
    world.machine.listen(server, WorkerWorld::port(0));
    const auto action = world.machine.next_action();
    return action->message["index"].as_integer();
  };
  EXPECT_EQ(index_of(1), 0);
  EXPECT_EQ(index_of(2), 1);
  world.machine.close(1);
  EXPECT_EQ(index_of(3), 2);
  world.machine.close(2);
  world.machine.close(3);
  EXPECT_EQ(index_of(4), 0);
}

TEST(WorkerMachine, FailsToListenWhereThePrimaryCouldNot) {
  WorkerWorld world;
  world.machine.listen(1, WorkerWorld::port(5701));
  (void)world.take();
  world.hear(
      R"({"cmd":"NODE_CLUSTER","errno":-98,"key":"127.0.0.1:5701:4:undefined","ack":1,"data":null,"seq":1})");
  EXPECT_EQ(world.take(), Lines{"failed s1 Address already in use"});
}

TEST(WorkerMachine, TakesNoOtherPortThanItAskedFor) {
  WorkerWorld world;
  world.machine.listen(1, WorkerWorld::port(80));
  (void)world.take();
  world.hear(R"({"cmd":"NODE_CLUSTER","errno":null,"key":"k","ack":1,"data":null,)"
             R"("sockname":{"address":"::","family":"IPv6","port":81},"seq":0})");
  EXPECT_EQ(world.take(), (Lines{R"({"cmd":"NODE_CLUSTER","act":"close","key":"k","seq":2})",
                                 "failed s1 Address already in use"}));
}

TEST(WorkerMachine, ListensByItselfOnASharedHandle) {
  WorkerWorld world;
  world.machine.listen(1, WorkerWorld::port(40647));
  (void)world.take();
  world.hear(
      R"({"cmd":"NODE_CLUSTER","errno":0,"key":"null:40647:4:undefined:0","ack":1,"data":null,"seq":0})", 7);
  EXPECT_EQ(world.take(), Lines{"adopt s1 h7 net.Native 40647"});
  world.machine.listen_failed(1, EADDRINUSE);
  EXPECT_EQ(world.take(),
            (Lines{R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:40647:4:undefined:0","seq":2})",
                   "failed s1 Address already in use"}));
}

TEST(WorkerMachine, ClosesAHandleThatNobodyAskedForAndSaysSo) {
  WorkerWorld world;
  world.hear(R"({"cmd":"NODE_CLUSTER","errno":0,"key":"k","ack":77,"data":null,"seq":0})", 7);
  EXPECT_EQ(world.take().front(), "close_handle h7");
  world.hear(R"({"cmd":"NODE_CLUSTER","act":"selfdestruct","seq":0})", 8);
  const Lines lines = world.take();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines.front(), "close_handle h8");
  EXPECT_TRUE(lines.back().starts_with("report cluster")) << lines.back();
}

TEST(WorkerMachine, GivesAKeyBackThatComesAfterItsServerWasClosed) {
  WorkerWorld world;
  world.machine.listen(1, WorkerWorld::port(80));
  world.machine.close(1);
  (void)world.take();
  world.hear(R"({"cmd":"NODE_CLUSTER","errno":null,"key":12,"ack":1,"data":null,"seq":0})");
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_CLUSTER","act":"close","key":12,"seq":2})"});
}

// --- under a Baton primary

TEST(WorkerMachine, AnswersTheHandOffsOfOneReadTogetherToABaton) {
  WorkerWorld world(true);
  world.serve();
  world.connection(7, 5, false);
  world.connection(8, 6, false);
  world.connection(9, 7, false, "bogus");
  (void)world.take();
  world.machine.read_done();
  EXPECT_EQ(world.take(), (Lines{R"({"cmd":"NODE_CLUSTER","accepted":[5,6],"refused":[7]})", "deliver s1 h7",
                                 "deliver s1 h8"}));
}

TEST(WorkerMachine, TellsABatonOfItsLoadWhenItChangesButNotTooOften) {
  WorkerWorld world(true);
  world.machine.listen(1, WorkerWorld::port(80));
  (void)world.take();
  world.machine.connection_opened(1);
  EXPECT_EQ(world.take(), Lines{});
  EXPECT_EQ(world.machine.next_deadline(), 20U);
  world.machine.time(20);
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_BATON_LOAD","connections":1,"lag":0})"});
  EXPECT_EQ(world.machine.next_deadline(), std::nullopt);
  world.machine.lag(3.5);
  EXPECT_EQ(world.machine.next_deadline(), 520U);
  world.machine.time(520);
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_BATON_LOAD","connections":1,"lag":3.5})"});
}

TEST(WorkerMachine, AnswersAPing) {
  WorkerWorld world(true);
  world.hear(R"({"cmd":"NODE_BATON_PING","n":12})");
  EXPECT_EQ(world.take(), Lines{R"({"cmd":"NODE_BATON_PONG","n":12})"});
}

}  // namespace
}  // namespace baton::cluster
