// Which worker gets a connection, under each policy.

#include <algorithm>
#include <set>

#include "process/cluster/cluster_test.h"

namespace baton::test {
namespace {

class Policies : public ClusterOfEither {
 protected:
  std::string ask_as(std::string_view header) const {
    Client client(port);
    client.get("/", std::string(header) + "\r\nConnection: close\r\n");
    return client.answer();
  }
};

INSTANTIATE_TEST_SUITE_P(With, Policies, either_serialization(), name_of_serialization);

TEST_P(Policies, RoundRobinIsExact) {
  start();
  serve(4);
  const auto counts = ask_many(100);
  EXPECT_EQ(counts.size(), 4U);
  for (const auto& [pid, count] : counts) EXPECT_EQ(count, 25) << pid;
  stop();
}

TEST_P(Policies, RoundRobinIsExactForConnectionsAtOnce) {
  start();
  serve(3);
  std::vector<Client> clients;
  // Fewer than the workers' windows hold, so that no slow one is passed over.
  for (int i = 0; i < 42; ++i) clients.emplace_back(port);
  for (const Client& client : clients) client.get();
  std::map<std::string, int> counts;
  for (Client& client : clients) ++counts[client.answer()];
  EXPECT_EQ(counts.size(), 3U);
  for (const auto& [pid, count] : counts) EXPECT_EQ(count, 14) << pid;
  clients.clear();
  stop();
}

TEST_P(Policies, SharedWorkersAcceptByThemselves) {
  start({"--policy", "shared"});
  serve(2);
  int answers = 0;
  for (const auto& [pid, count] : ask_many(60)) answers += count;
  EXPECT_EQ(answers, 60);
  primary.say("state 1");
  EXPECT_TRUE(expect_rest("1 pid ").contains(" accepted 0 ")) << "the primary hands nothing over";
  stop();
}

TEST_P(Policies, ReusePortHasASocketForEachWorkerAndLosesNoneOfItsConnections) {
  start({"--policy", "reuse-port"});
  serve(2);
  std::set<pid_t> pids;
  for (int i = 0; i < 200 && pids.size() < 2; ++i) pids.insert(ask());
  EXPECT_EQ(pids.size(), 2U);
  // Without its worker, a slot's socket is the primary's: everybody is answered by the other worker.
  primary.say("kill 1 9");
  expect("1 exit: killed by SIGKILL");
  const auto counts = ask_many(60);
  EXPECT_EQ(counts.size(), 1U);
  stop();
}

TEST_P(Policies, ReusePortDoesNotShareAPortWithStrangers) {
  start({"--policy", "reuse-port"});
  const Fd taken = tcp_listener();
  const int on = 1;
  ::setsockopt(taken.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const unsigned worker = fork();
  tell(worker, R"({"do":"serve","host":"127.0.0.1","port":)" + std::to_string(port_of(taken.get())) + "}");
  EXPECT_TRUE(expect_rest("1 cannot listen on ").ends_with("Address already in use"));
  stop();
}

TEST_P(Policies, LeastLoadedAvoidsTheWorkerWithManyConnections) {
  start({"--policy", "least-loaded"});
  serve(2);
  // Connections stay with whom they went to; each new one goes to the other side of the balance.
  std::vector<Client> clients;
  std::map<std::string, int> counts;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back(port);
    clients.back().get();
    ++counts[clients.back().answer()];
  }
  EXPECT_EQ(counts.size(), 2U);
  for (const auto& [pid, count] : counts) EXPECT_NEAR(count, 20, 1) << pid;
  clients.clear();
  stop();
}

TEST_P(Policies, StickyByAddressKeepsAClientWithItsWorker) {
  start({"--policy", "sticky"});
  serve(4);
  EXPECT_EQ(ask_many(20).size(), 1U);
  stop();
}

TEST_P(Policies, StickyByCookieLooksAtTheFirstRequestAndLeavesItUnread) {
  start({"--policy", "sticky:cookie=sid"});
  serve(4);
  std::set<std::string> pids;
  for (int client = 0; client < 12; ++client) {
    const std::string cookie = "Cookie: a=1; sid=" + std::to_string(client) + "; b=2";
    const std::string first = ask_as(cookie);
    EXPECT_EQ(ask_as(cookie), first);
    EXPECT_EQ(ask_as("X-Before: 1\r\n" + cookie), first);
    pids.insert(first);
  }
  EXPECT_GE(pids.size(), 2U);
  stop();
}

TEST_P(Policies, StickyByHeaderWaitsForAHeadThatComesInPieces) {
  start({"--policy", "sticky:header=X-User"});
  serve(4);
  const std::string whole = ask_as("x-user: seven");
  Client slow(port);
  slow.send("GET / HTTP/1.1\r\nHost: x\r\nX-U");
  EXPECT_FALSE(slow.readable(50));
  slow.send("ser: seven\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(slow.answer(), whole);
  slow.close();
  stop();
}

TEST_P(Policies, AClientThatSaysNothingIsGivenToAWorkerByItsAddress) {
  start({"--policy", "sticky:cookie=sid"});
  const unsigned worker = fork();
  port = order(worker, R"({"do":"hold","port":0})");
  Client silent(port);
  // The worker speaks first, as soon as it has the connection.
  EXPECT_EQ(silent.until("\n"), std::to_string(pid_of(worker)) + "\n");
  silent.close();
  stop();
}

}  // namespace
}  // namespace baton::test
