// Who gets the next connection under each policy, and who has the socket.

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unit/cluster/primary_world.h"

namespace baton::cluster {
namespace {

using Lines = std::vector<std::string>;

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

TEST(PrimaryMachine, KeepsAClientWithItsWorkerByALongValueToo) {
  PrimaryWorld world(Policy::sticky(Policy::Sticky::cookie, "session"));
  for (const WorkerId worker : {1U, 2U, 3U}) world.join(worker, true);
  std::set<std::string> homes;
  for (int client = 0; client < 20; ++client) {
    std::string home;
    for (int i = 0; i < 2; ++i) {
      const int connection = 2 * client + i + 1;
      EXPECT_EQ(world.accept(1), 1);
      (void)world.take();
      world.machine.sticky_value(static_cast<ConnectionId>(connection),
                                 std::string(15'000, 'v') + std::to_string(client));
      const std::string worker = world.offers().at(0).substr(0, 2);
      EXPECT_TRUE(i == 0 || worker == home);
      home = worker;
      homes.insert(worker);
      world.answer(static_cast<WorkerId>(worker[1] - '0'), static_cast<std::uint64_t>(connection));
      (void)world.take();
    }
  }
  EXPECT_EQ(homes.size(), 3U);
}

TEST(PrimaryMachine, SortsTheClientThatWasSilentLongestByItsAddressWhenTooManyAreSilent) {
  PrimaryLimits limits;
  limits.looked = 2;
  limits.waiting = 1;
  PrimaryWorld world(Policy::sticky(Policy::Sticky::cookie, "session"), limits);
  world.join(1, true);
  EXPECT_EQ(world.accept(2), 2) << "who is silent takes no place of those who wait";
  (void)world.take();
  world.machine.sticky_value(1, "abc");
  EXPECT_EQ(world.offers(), Lines{"w1 c1"});
  EXPECT_EQ(world.accept(2), 2);
  std::vector<std::string> lines = world.take();
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("offer"); });
  EXPECT_EQ(lines, (Lines{"look c3", "look c4", "look_no_more c2"}));
  world.machine.sticky_value(2, "too late");
  EXPECT_TRUE(world.take().empty());
}

TEST(PrimaryMachine, LetsSoManyClientsWaitForOneWorkerThatOthersAreStillServed) {
  PrimaryLimits limits;
  limits.baton_window = 1;
  limits.waiting = 4;
  limits.waiting_for_one = 2;
  PrimaryWorld world(Policy(Policy::Kind::sticky), limits);
  for (const WorkerId worker : {1U, 2U, 3U}) world.join(worker, true);
  // All of one client, and his worker does not answer.
  EXPECT_EQ(world.accept(1), 1);
  const std::string home = world.offers().at(0).substr(0, 2);
  EXPECT_EQ(world.accept(2), 2);
  EXPECT_TRUE(world.offers().empty());
  EXPECT_EQ(world.accept(1), 1);
  const Lines elsewhere = world.offers();
  ASSERT_EQ(elsewhere.size(), 1U);
  EXPECT_NE(elsewhere[0].substr(0, 2), home);
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

}  // namespace
}  // namespace baton::cluster
