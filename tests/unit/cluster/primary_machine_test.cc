#include "cluster/primary_machine.h"

#include <gtest/gtest.h>

#include <csignal>

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
  EXPECT_EQ(world.take(), (Lines{"close c1", "accept l1 on"}));
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

}  // namespace
}  // namespace baton::cluster
