// A primary in C++ with unmodified Node workers.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "interop/cluster/cluster_world.h"
#include "support/folder.h"

namespace baton::test {
namespace {

std::string join(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += word + "\n";
  return all;
}

int number_at_end(std::string_view said) {
  return std::atoi(std::string(said.substr(said.rfind(':') + 1)).c_str());
}

class CppPrimary : public NodeCluster, public testing::WithParamInterface<Ways> {
 protected:
  void begin(const std::string& module = "worker.js") { start_ours(GetParam(), module); }
  [[nodiscard]] static bool round_robin() { return GetParam().policy == "round-robin"; }
  /// What the worker says that it did, and what it then does.
  std::string said(unsigned worker, const std::string& order) {
    tell(worker, order);
    return expect_rest(std::to_string(worker) + " says ");
  }
};
INSTANTIATE_TEST_SUITE_P(Of, CppPrimary,
                         testing::Values(Ways{"round-robin"}, Ways{"shared"}, Ways{"round-robin", true},
                                         Ways{"shared", true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(CppPrimary, HasHttpWorkersOfNode) {
  begin();
  serve(3);
  const auto answers = ask_many(60);
  int all = 0;
  for (const auto& [pid, count] : answers) {
    all += count;
    if (round_robin()) {
      EXPECT_EQ(count, 20) << pid;
    }
  }
  EXPECT_EQ(all, 60);
  stop();
}

TEST_P(CppPrimary, HasEsModulesAsWorkers) {
  begin("module_worker.mjs");
  std::set<pid_t> pids;
  for (int i = 0; i < 2; ++i) {
    const unsigned worker = fork();
    port = static_cast<uint16_t>(number_at_end(expect_rest(std::to_string(worker) + " says ")));
    pids.insert(pid_of(worker));
  }
  for (const auto& [pid, count] : ask_many(10)) {
    EXPECT_TRUE(pids.contains(pid));
    EXPECT_TRUE(count == 5 || !round_robin());
  }
  stop();
}

TEST_P(CppPrimary, GivesAllHttpsWorkersTheTicketKeysOfTheFirst) {
  begin();
  std::set<std::string> pids;
  uint16_t there = 0;
  for (int i = 0; i < 2; ++i) {
    const unsigned worker = fork();
    there = order(worker, R"({"do":"tls","port":0})");
    pids.insert(std::to_string(pid_of(worker)));
  }
  Program client(node_program(), {script("tls_client.js"), std::to_string(there)});
  const auto lines = client.output.rest();
  EXPECT_EQ(client.end(), "exit 0");
  ASSERT_EQ(lines.size(), 1U) << join(client.errors.rest());
  EXPECT_TRUE(lines[0].ends_with(" resumed")) << lines[0];
  std::istringstream words(lines[0]);
  std::string first, second;
  words >> first >> second;
  EXPECT_TRUE(pids.contains(first) && pids.contains(second)) << lines[0];
  if (round_robin()) {
    EXPECT_NE(first, second);
  }
  stop();
}

TEST_P(CppPrimary, HasNetWorkersAndASecondListenerOfEach) {
  begin();
  std::set<pid_t> pids;
  uint16_t first = 0, second = 0;
  for (int i = 0; i < 2; ++i) {
    const unsigned worker = fork();
    pids.insert(pid_of(worker));
    const uint16_t one = order(worker, R"({"do":"hold","port":0})");
    const uint16_t other = order(worker, R"({"do":"hold","port":0})");
    EXPECT_NE(one, other);
    if (i > 0) {
      EXPECT_EQ(one, first);
      EXPECT_EQ(other, second);
    }
    first = one;
    second = other;
  }
  for (const uint16_t there : {first, second}) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(pids.contains(greeted(there)));
  }
  stop();
}

TEST_P(CppPrimary, BindsTheAddressThatIsAskedFor) {
  begin();
  const unsigned worker = fork();
  tell(worker, R"({"do":"serve","host":"127.0.0.1","port":0})");
  const std::string where = expect_rest("1 listening ");
  EXPECT_TRUE(where.starts_with("127.0.0.1:")) << where;
  tell(worker, R"({"do":"serve","host":"::1","port":0})");
  EXPECT_TRUE(expect_rest("1 listening ").starts_with("[::1]:"));
  stop();
}

TEST_P(CppPrimary, TellsAWorkerThatAPortIsTaken) {
  begin();
  const Fd taken = tcp_listener();
  const std::string there = std::to_string(port_of(taken.get()));
  const unsigned worker = fork();
  EXPECT_EQ(said(worker, R"({"do":"serve","host":"127.0.0.1","port":)" + there + "}"), "\"EADDRINUSE\"");
  EXPECT_NE(order(worker, R"({"do":"serve","port":0})"), 0);
  stop();
}

TEST_P(CppPrimary, SharesAPathAmongWorkers) {
  begin();
  const Folder folder;
  const std::string path = folder / "socket";
  std::set<pid_t> pids;
  for (int i = 0; i < 2; ++i) {
    const unsigned worker = fork();
    pids.insert(pid_of(worker));
    EXPECT_TRUE(said(worker, R"({"do":"hold","path":")" + path + "\"}").starts_with("\"holding"));
  }
  std::set<pid_t> met;
  for (int i = 0; i < 4; ++i) met.insert(std::atoi(Client(path).until("\n").c_str()));
  for (const pid_t pid : met) EXPECT_TRUE(pids.contains(pid));
  if (round_robin()) {
    EXPECT_EQ(met, pids);
  }
  stop();
}

TEST_P(CppPrimary, OpensAPathForWhomTheWorkerSays) {
  const Folder folder;
  const mode_t before = ::umask(S_IRWXG | S_IRWXO);
  begin();
  ::umask(before);
  const unsigned worker = fork();
  const std::vector<std::pair<std::string, mode_t>> cases = {
      {"", 0700},
      {R"("readableAll":true)", 0744},
      {R"("writableAll":true)", 0722},
      {R"("readableAll":true,"writableAll":true)", 0766}};
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto& [more, mode] = cases[i];
    const std::string path = folder / std::to_string(i);
    const std::string done = said(worker, R"({"do":"hold","path":")" + path + R"(","more":{)" + more + "}}");
    EXPECT_TRUE(done.starts_with("\"holding")) << done;
    struct stat made{};
    ASSERT_EQ(::stat(path.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777U, mode) << more;
    EXPECT_EQ(std::atoi(Client(path).until("\n").c_str()), pid_of(worker));
  }
  stop();
}

TEST_P(CppPrimary, ListensOnIpv6Only) {
  begin();
  std::set<pid_t> pids;
  uint16_t there = 0;
  for (int i = 0; i < 2; ++i) {
    const unsigned worker = fork();
    pids.insert(pid_of(worker));
    there = order(worker, R"({"do":"hold","host":"::","port":0,"more":{"ipv6Only":true}})");
  }
  EXPECT_TRUE(pids.contains(std::atoi(Client::of_ipv6(there).until("\n").c_str())));
  EXPECT_TRUE(refuses(there));
  stop();
}

TEST_P(CppPrimary, LeavesReusedPortsToTheirWorkers) {
  begin();
  const unsigned first = fork();
  const unsigned second = fork();
  const uint16_t there = order(first, R"({"do":"hold","port":0,"more":{"reusePort":true}})");
  primary.say("listeners");
  if (!expect_rest("listeners:").empty()) {
    // An option that it does not know it passes over.
    const std::string self = said(first, R"({"do":"self"})");
    EXPECT_TRUE(self.contains("\"18.") || self.contains("\"20.")) << self;
    stop();
    GTEST_SKIP() << "a Node before 22.12 has no reusePort";
  }
  const std::string same = R"({"do":"hold","more":{"reusePort":true},"port":)" + std::to_string(there) + "}";
  EXPECT_EQ(order(second, same), there);
  // Each client is one worker's, by the hash of its port.
  const std::set<pid_t> pids = {pid_of(first), pid_of(second)};
  std::set<pid_t> met;
  for (int i = 0; i < 1000 && met.size() < 2; ++i) met.insert(greeted(there));
  EXPECT_EQ(met, pids);
  // A Node that is told to leave closes only what its cluster knows of.
  for (const unsigned worker : {first, second}) tell(worker, R"({"do":"close"})");
  stop();
}

TEST_P(CppPrimary, StartsWorkersWithItsSettings) {
  start_ours(GetParam(), "worker.js", StartOptions(),
             {"--silent", "on", "--cwd", "/proc", "--exec-arg", "--stack-trace-limit=7"});
  const unsigned worker = fork();
  const std::string self = said(worker, R"({"do":"self"})");
  EXPECT_TRUE(self.starts_with("[\"/proc\"," + std::to_string(::getuid()) + ",[\"--stack-trace-limit=7\"],"))
      << self;
  tell(worker, R"({"do":"print"})");
  // In either order.
  EXPECT_EQ(expect_rest("1 prints "), "a word");
  tell(worker, R"({"do":"print"})");
  EXPECT_EQ(expect_rest("1 complains "), "another word");
  stop();
}

TEST_P(CppPrimary, LeavesExclusiveListenersToTheirWorker) {
  begin();
  const unsigned worker = fork();
  const uint16_t there = order(worker, R"({"do":"hold","port":0,"exclusive":1})");
  EXPECT_EQ(greeted(there), pid_of(worker));
  primary.say("listeners");
  EXPECT_EQ(expect_rest("listeners:"), "");
  // A Node that is told to leave closes only what its cluster knows of.
  tell(worker, R"({"do":"close"})");
  stop();
}

TEST_P(CppPrimary, SharesAUdpSocketAmongWorkers) {
  begin();
  std::set<pid_t> pids;
  uint16_t there = 0;
  for (int i = 0; i < 2; ++i) {
    const unsigned worker = fork();
    pids.insert(pid_of(worker));
    const uint16_t got = order(worker, R"({"do":"udp","port":0})");
    if (i > 0) {
      EXPECT_EQ(got, there);
    }
    there = got;
  }
  const Fd client = udp_socket();
  const timeval patience{patience_seconds, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(there);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(::sendto(client.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address),
              1);
    char text[32] = "";
    ASSERT_GT(::recv(client.get(), text, sizeof text - 1, 0), 0);
    EXPECT_TRUE(pids.contains(std::atoi(text))) << text;
  }
  stop();
}

TEST_P(CppPrimary, ListensOnADescriptorOfItsOwn) {
  const Fd listener = tcp_listener();
  start_ours(GetParam(), "worker.js", StartOptions().descriptor(9, listener.get()));
  const unsigned worker = fork();
  EXPECT_TRUE(said(worker, R"({"do":"hold","fd":9})").starts_with("\"holding"));
  EXPECT_EQ(greeted(port_of(listener.get())), pid_of(worker));
  stop();
}

TEST_P(CppPrimary, LetsAWorkerLeaveByItself) {
  begin();
  serve(2);
  tell(workers[0], R"({"do":"disconnect"})");
  expect("1 disconnect");
  expect("1 exit: exit code 0, meant");
  const pid_t other = pid_of(workers[1]);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(), other);
  stop();
}

TEST_P(CppPrimary, LetsAWorkerEndItself) {
  begin();
  serve(2);
  tell(workers[0], R"({"do":"kill"})");
  expect("1 exit: exit code 0, meant");
  const pid_t other = pid_of(workers[1]);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(), other);
  stop();
}

TEST_P(CppPrimary, SeesAWorkerDisconnectItsProcess) {
  begin();
  serve(2);
  tell(workers[0], R"({"do":"disconnect the process"})");
  expect("1 exit: exit code 0");
  const pid_t other = pid_of(workers[1]);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(), other);
  stop();
}

TEST_P(CppPrimary, TellsAWorkerToLeave) {
  begin();
  serve(2);
  primary.say("leave 2");
  expect("2 exit: exit code 0, meant");
  const pid_t other = pid_of(workers[0]);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(), other);
  stop();
}

TEST_P(CppPrimary, ServesOnWhenAWorkerIsKilled) {
  begin();
  serve(2);
  primary.say("kill 1 9");
  expect("1 exit: killed by SIGKILL");
  const pid_t other = pid_of(workers[1]);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(), other);
  stop();
}

TEST_P(CppPrimary, StopsListeningWhenTheLastWorkerClosesItsServer) {
  begin();
  const unsigned worker = fork();
  (void)order(worker, R"({"do":"hold","port":0})");
  tell(worker, R"({"do":"close"})");
  std::string open = "?";
  while (!open.empty()) {
    primary.say("listeners");
    open = expect_rest("listeners:");
  }
  stop();
}

TEST_P(CppPrimary, DoesNotSpinWhileWorkersAreAtTheirLimitOfConnections) {
  if (!round_robin())
    GTEST_SKIP() << "workers of Node that share a listener accept what is over their limit, and close it";
  begin();
  for (int i = 0; i < 2; ++i) {
    workers.push_back(fork());
    port = order(workers.back(), R"({"do":"hold","max":1,"port":0})");
  }
  std::vector<Client> served, waiting;
  for (int i = 0; i < 2; ++i) {
    served.emplace_back(port);
    (void)served.back().until("\n");
  }
  for (int i = 0; i < 10; ++i) waiting.emplace_back(port);
  const long before = cpu_milliseconds(primary.pid());
  EXPECT_FALSE(waiting.front().readable(1000));
  EXPECT_LT(cpu_milliseconds(primary.pid()) - before, sanitized() ? 1000 : 200);
  // Each that leaves makes room for the next one, and nobody is lost.
  for (Client& client : served) client.close();
  // Not in the order in which they came: one that a full worker gave back may be overtaken, and waits for
  // room.
  for (int looks = 0; !waiting.empty() && looks < 3000; ++looks) {
    std::erase_if(waiting, [](Client& client) { return client.readable(1) && !client.until("\n").empty(); });
  }
  EXPECT_EQ(waiting.size(), 0U);
  stop();
}

}  // namespace
}  // namespace baton::test
