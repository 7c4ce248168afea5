// A worker in C++ whose primary is a real Node, beside workers of Node on the same port.

#include <set>

#include "interop/cluster/cluster_world.h"

namespace baton::test {
namespace {

class CppWorker : public NodeCluster, public testing::WithParamInterface<Ways> {
 protected:
  static constexpr unsigned ours = 1, nodes = 0;  // slots, to primary.js
  void SetUp() override {
    NodeCluster::SetUp();
    if (!node_program().empty()) start_nodes(GetParam());
  }
  [[nodiscard]] static bool round_robin() { return GetParam().policy == "rr"; }
  /// Two workers of each kind on one port.
  void serve_mixed() {
    for (const unsigned slot : {ours, nodes, ours, nodes}) {
      workers.push_back(fork(slot));
      const uint16_t got = order(workers.back(), R"({"do":"serve","port":0})");
      EXPECT_TRUE(port == 0 || got == port);
      port = got;
      ASSERT_NE(port, 0);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Of, CppWorker,
                         testing::Values(Ways{"rr"}, Ways{"none"}, Ways{"rr", true}, Ways{"none", true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(CppWorker, SharesAPortWithWorkersOfNode) {
  serve_mixed();
  std::set<pid_t> pids;
  for (const unsigned worker : workers) pids.insert(pid_of(worker));
  const auto answers = ask_many(40);
  int all = 0;
  for (const auto& [pid, count] : answers) {
    EXPECT_TRUE(pids.contains(pid));
    all += count;
    if (round_robin()) {
      EXPECT_EQ(count, 10);
    }
  }
  EXPECT_EQ(all, 40);
  stop();
}

TEST_P(CppWorker, TakesConnectionsAsSuch) {
  const unsigned worker = fork(ours);
  port = order(worker, R"({"do":"hold","port":0})");
  const std::string pid = std::to_string(pid_of(worker)) + "\n";
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(port);
  for (Client& client : clients) EXPECT_EQ(client.until("\n"), pid);
  clients.clear();
  stop();
}

TEST_P(CppWorker, LeavesWhenItIsToldTo) {
  serve_mixed();
  primary.say("leave 1");
  expect("1 exit: exit code 0, meant");
  const auto answers = ask_many(12);
  EXPECT_LE(answers.size(), 3U);
  stop();
}

TEST_P(CppWorker, LeavesByItself) {
  serve_mixed();
  tell(1, R"({"do":"disconnect"})");
  expect("1 exit: exit code 0, meant");
  EXPECT_LE(ask_many(12).size(), 3U);
  stop();
}

TEST_P(CppWorker, EndsItself) {
  serve_mixed();
  tell(3, R"({"do":"kill"})");
  expect("3 exit: exit code 0, meant");
  EXPECT_LE(ask_many(12).size(), 3U);
  stop();
}

TEST_P(CppWorker, EndsWithItsPrimary) {
  const unsigned worker = fork(ours);
  (void)order(worker, R"({"do":"serve","port":0})");
  primary.signal(SIGKILL);
  EXPECT_EQ(primary.end(), "signal 9");
  primary = Program();
}

TEST_P(CppWorker, LearnsThatAPortIsTaken) {
  const Fd taken = tcp_listener();
  const unsigned worker = fork(ours);
  tell(worker, R"({"do":"serve","host":"127.0.0.1","port":)" + std::to_string(port_of(taken.get())) + "}");
  EXPECT_TRUE(expect_rest("1 says ").contains("address already in use"));
  stop();
}

TEST_P(CppWorker, SharesAUdpSocketWithAWorkerOfNode) {
  const std::vector<unsigned> both = {fork(ours), fork(nodes)};
  const uint16_t there = order(both[0], R"({"do":"udp","port":0})");
  EXPECT_NE(there, 0);
  EXPECT_EQ(order(both[1], R"({"do":"udp","port":0})"), there);
  const std::set<pid_t> pids = {pid_of(both[0]), pid_of(both[1])};
  for (int i = 0; i < 20; ++i) {
    const std::string answer = ask_udp(there, "x");
    EXPECT_TRUE(pids.contains(std::atoi(answer.c_str()))) << answer;
  }
  stop();
}

TEST_P(CppWorker, LeavesConnectionsToOthersWhileItIsFull) {
  const unsigned full = fork(ours);
  port = order(full, R"({"do":"hold","max":1,"port":0})");
  Client first(port);
  EXPECT_EQ(first.until("\n"), std::to_string(pid_of(full)) + "\n");
  const unsigned other = fork(nodes);
  EXPECT_EQ(order(other, R"({"do":"hold","port":0})"), port);
  const std::string pid = std::to_string(pid_of(other)) + "\n";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Client(port).until("\n"), pid);
  first.close();
  stop();
}

}  // namespace
}  // namespace baton::test
