// Node's own tests of who gets a connection, each in the three columns. The comment of a test names the files
// of Node's test/parallel whose claim it proves.

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <set>

#include "interop/cluster/scenario.h"
#include "support/free_port.h"

namespace baton::test {
namespace {

class ScenarioConnections : public Scenario {
 protected:
  /// Whether sooner or later nobody listens there any more; each look is a round of the primary's.
  bool comes_to_refuse(unsigned id, uint16_t there) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(patience_seconds);
    while (!refuses(there)) {
      if (std::chrono::steady_clock::now() > end) return false;
      (void)pid_of(id);
    }
    return true;
  }
};
INSTANTIATE_TEST_SUITE_P(Of, ScenarioConnections, all_columns(), name_of_column);

// cluster-send-socket-to-worker-http-server
TEST_P(ScenarioConnections, ThatThePrimarySendsAreServedByTheHttpServerOfTheWorker) {
  begin();
  const unsigned id = worker();
  primary.say("give " + std::to_string(id));
  const std::string where = expect_rest(std::to_string(id) + " is given those of 127.0.0.1:");
  Client client(static_cast<uint16_t>(std::stoi(where)));
  for (int i = 0; i < 2; ++i) {
    client.get();
    EXPECT_EQ(client.answer(), std::to_string(pid_of(id)));
  }
  client.close();
  stop();
}

// net-server-close-before-ipc-response
TEST_P(ScenarioConnections, GoToNobodyWhoClosedBeforeThePrimaryHadAnswered) {
  if (!ours() && node_version() < 24) GTEST_SKIP() << "a worker of this Node listens nevertheless";
  begin();
  const unsigned id = worker();
  const uint16_t there = free_port();
  EXPECT_EQ(said(id, R"({"do":"hold","host":"127.0.0.1","give_up":1,)" + at(there) + "}"), "\"given up\"");
  EXPECT_NE(hold(id), 0);
  EXPECT_TRUE(comes_to_refuse(id, there));
  stop();
}

// net-listen-handle-in-cluster-2
TEST_P(ScenarioConnections, OfAHandleOfTheWorkersOwnAreAskedOfNoPrimary) {
  if (ours() || node_version() < 24) GTEST_SKIP() << "a test of workers of Node 24";
  begin();
  const unsigned id = worker();
  const uint16_t there = order(id, R"({"do":"hold own"})");
  EXPECT_EQ(greeted(there), pid_of(id));
  expect_no_listener();
  tell(id, R"({"do":"exit","code":0})");
  stop();
}

// cluster-net-reuseport
TEST_P(ScenarioConnections, OfAPortThatIsReusedAreAskedOfNoPrimary) {
  if (!ours()) GTEST_SKIP() << "CppPrimary.LeavesReusedPortsToTheirWorkers";
  begin();
  const uint16_t there = free_port();
  std::set<pid_t> pids;
  for (int i = 0; i < 2; ++i) {
    const unsigned id = worker();
    pids.insert(pid_of(id));
    tell(id, R"({"do":"hold","reuse_port":1,)" + at(there) + "}");
    // The very next line: it listens and no primary has heard of it.
    EXPECT_EQ(primary.output.next(),
              std::to_string(id) + " says \"holding 127.0.0.1:" + std::to_string(there) + "\"");
  }
  expect_no_listener();
  EXPECT_TRUE(pids.contains(greeted(there)));
  stop();
}

/// Where the primary accepts.
class ScenarioInTurn : public ScenarioConnections {};
INSTANTIATE_TEST_SUITE_P(Of, ScenarioInTurn,
                         testing::Values(Column{true, false}, Column{false, true}, Column{true, true}),
                         name_of_column);

// cluster-worker-handle-close
TEST_P(ScenarioInTurn, AConnectionThatComesAfterItsServerWasClosedIsTheOthers) {
  begin();
  const unsigned first = worker();
  const uint16_t there = hold(first);
  const unsigned second = worker();
  EXPECT_EQ(hold(second), there);
  const pid_t closes = pid_of(first);
  const pid_t serves = pid_of(second);
  ::kill(closes, SIGSTOP);
  tell(first, R"({"do":"close"})");
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) clients.emplace_back(there);
  // One of them waits in the channel of the first, behind the order to close.
  for (int i = 0; i < 1000 && !clients[0].readable(10) && !clients[1].readable(10);) ++i;
  EXPECT_NE(clients[0].readable(100), clients[1].readable(100));
  ::kill(closes, SIGCONT);
  for (Client& client : clients) EXPECT_EQ(client.until("\n"), std::to_string(serves) + "\n");
  expect_of(first, "says \"closed\"");
  clients.clear();
  stop();
}

/// Our primary accepts.
class ScenarioAccept : public ScenarioConnections {
 protected:
  /// Lets a process have no descriptor more; what its limit was.
  static rlimit allow_no_more(pid_t pid) {
    std::set<rlim_t> used;
    DIR* folder = ::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
    while (const dirent* entry = folder == nullptr ? nullptr : ::readdir(folder)) {
      if (entry->d_name[0] != '.') used.insert(static_cast<rlim_t>(std::atoi(entry->d_name)));
    }
    if (folder != nullptr) ::closedir(folder);
    rlimit before{};
    ::prlimit(pid, RLIMIT_NOFILE, nullptr, &before);
    rlimit now = before;
    for (now.rlim_cur = 0; used.contains(now.rlim_cur);) ++now.rlim_cur;
    ::prlimit(pid, RLIMIT_NOFILE, &now, nullptr);
    return before;
  }
};
INSTANTIATE_TEST_SUITE_P(Of, ScenarioAccept, testing::Values(Column{true, false}, Column{true, true}),
                         name_of_column);

// cluster-accept-fail
TEST_P(ScenarioAccept, AConnectionThatCannotBeAcceptedWaitsAndTheListenerLives) {
  begin();
  const unsigned id = worker();
  const uint16_t there = hold(id);
  const long before = cpu_milliseconds(primary.pid());
  const rlimit limit = allow_no_more(primary.pid());
  std::vector<Client> waiting;
  for (int i = 0; i < 20; ++i) waiting.emplace_back(there);
  EXPECT_FALSE(waiting.front().readable(300));
  EXPECT_LT(cpu_milliseconds(primary.pid()), before + 150);
  ::prlimit(primary.pid(), RLIMIT_NOFILE, &limit, nullptr);
  for (Client& client : waiting) EXPECT_EQ(client.until("\n"), std::to_string(pid_of(id)) + "\n");
  waiting.clear();
  stop("baton: ");
}

}  // namespace
}  // namespace baton::test
