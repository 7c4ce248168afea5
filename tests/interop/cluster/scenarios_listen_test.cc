// Node's own tests of what workers of a cluster listen on, each in the three columns. The comment of a test
// names the files of Node's test/parallel whose claim it proves.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "interop/cluster/scenario.h"
#include "support/folder.h"
#include "support/free_port.h"

namespace baton::test {
namespace {

class ScenarioListen : public Scenario {};
INSTANTIATE_TEST_SUITE_P(Of, ScenarioListen, all_columns(), name_of_column);

Fd path_listener(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  return listener;
}

// How many connections may wait on what listens there, as ss says.
std::string backlog_of(uint16_t port) {
  FILE* ss = ::popen(("ss -Hltn sport = :" + std::to_string(port)).c_str(), "re");
  if (ss == nullptr) return {};
  char state[16] = "", waiting[16] = "", most[16] = "";
  const int read = std::fscanf(ss, "%15s %15s %15s", state, waiting, most);
  ::pclose(ss);
  return read == 3 ? most : "";
}

// cluster-shared-handle-bind-error, cluster-eaddrinuse
TEST_P(ScenarioListen, APortThatIsTakenIsTheWorkersErrorUntilItIsFree) {
  begin();
  const unsigned id = worker();
  Fd taken = tcp_listener();
  const uint16_t there = port_of(taken.get());
  EXPECT_TRUE(is_taken(said(id, R"({"do":"hold","host":"127.0.0.1",)" + at(there) + "}")));
  taken.reset();
  EXPECT_EQ(hold(id, R"("host":"127.0.0.1",)" + at(there)), there);
  EXPECT_EQ(greeted(there), pid_of(id));
  stop("baton: channel: listen");
}

// cluster-eaccess; a file of a listener that is gone, which ours replace, is no such path.
TEST_P(ScenarioListen, APathThatSomebodyElseHasIsTheWorkersError) {
  const Folder folder;
  begin();
  const unsigned id = worker();
  std::filesystem::create_directory(folder / "taken");
  const Fd listener = path_listener(folder / "listened on");
  for (const std::string name : {"taken", "listened on"}) {
    const std::string answer = said(id, R"({"do":"hold","path":")" + folder / name + "\"}");
    EXPECT_TRUE(is_taken(answer)) << answer;
  }
  EXPECT_NE(hold(id), 0);
  stop("baton: channel: listen");
}

// cluster-bind-privileged-port, cluster-shared-handle-bind-privileged-port
TEST_P(ScenarioListen, APortThatThePrimaryMayNotBindIsTheWorkersError) {
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> port;
  if (port <= 42) GTEST_SKIP() << "anybody may bind any port here";
  begin(StartOptions().through({built("peer"), "forbid", "low-ports"}));
  const unsigned id = worker();
  EXPECT_TRUE(is_forbidden(said(id, R"({"do":"hold","host":"127.0.0.1","port":42})")));
  EXPECT_EQ(greeted(hold(id)), pid_of(id));
  stop("baton: channel: listen");
}

// cluster-net-listen-relative-path
TEST_P(ScenarioListen, APathIsTheOneFromWhereThePrimaryIsHoweverLongTheWholeIs) {
  const Folder folder;
  const std::string deep = folder / std::string(120, 'd');
  std::filesystem::create_directory(deep);
  begin();
  primary.say("chdir " + deep);
  const unsigned id = worker();
  EXPECT_EQ(said(id, R"({"do":"hold","path":"socket"})"), "\"holding unix:socket\"");
  EXPECT_TRUE(std::filesystem::is_socket(deep + "/socket"));
  Client client("/proc/" + std::to_string(primary.pid()) + "/cwd/socket");
  EXPECT_EQ(client.until("\n"), std::to_string(pid_of(id)) + "\n");
  client.close();
  stop();
  EXPECT_FALSE(std::filesystem::exists(deep + "/socket"));
}

// cluster-server-restart-rr, cluster-server-restart-none
TEST_P(ScenarioListen, AWorkerThatClosesMayListenAgainWhileAnotherServes) {
  begin();
  const unsigned first = worker();
  const std::string there = at(free_port());
  const uint16_t same = hold(first, there);
  const unsigned second = worker();
  EXPECT_EQ(hold(second, there), same);
  EXPECT_EQ(said(first, R"({"do":"close"})"), "\"closed\"");
  EXPECT_EQ(greeted(same), pid_of(second));
  EXPECT_EQ(hold(first, there), same);
  EXPECT_EQ(said(second, R"({"do":"close"})"), "\"closed\"");
  // A moment longer the kernel may choose the second one's.
  while (greeted(same) != pid_of(first)) {
  }
  stop();
}

// cluster-child-index-net
TEST_P(ScenarioListen, PortsThatAreChosenAreCountedAndBeginAgainWhenAllAreClosed) {
  begin();
  const unsigned first = worker();
  const unsigned second = worker();
  const std::set<uint16_t> both = {hold(first), hold(first)};
  EXPECT_EQ(both.size(), 2U);
  EXPECT_EQ((std::set<uint16_t>{hold(second), hold(second)}), both);
  EXPECT_EQ(said(first, R"({"do":"close"})"), "\"closed\"");
  EXPECT_TRUE(both.contains(hold(first))) << "the second worker holds them";
  stop();
}

// cluster-port-reuse-between-workers
TEST_P(ScenarioListen, APortThatOneWorkerGaveUpIsTheNextOnes) {
  // Node's primary with SCHED_NONE keeps the first worker's handle until it has gone.
  begin();
  const unsigned first = worker();
  const std::string there = at(free_port());
  EXPECT_NE(hold(first, there), 0);
  EXPECT_EQ(said(first, R"({"do":"close"})"), "\"closed\"");
  const unsigned second = worker();
  const uint16_t same = hold(second, there);
  EXPECT_EQ(greeted(same), pid_of(second));
  stop();
}

// cluster-shared-leak
TEST_P(ScenarioListen, AWorkerThatIsKilledWithConnectionsOpenLeavesTheOthersServing) {
  begin();
  const unsigned first = worker();
  const uint16_t there = hold(first);
  const unsigned second = worker();
  EXPECT_EQ(hold(second), there);
  std::vector<Client> open;
  for (int i = 0; i < 4; ++i) {
    open.emplace_back(there);
    (void)open.back().until("\n");
  }
  primary.say("kill " + std::to_string(first) + " 9");
  expect_of(first, "exit: killed by SIGKILL");
  EXPECT_EQ(greeted(there), pid_of(second));
  open.clear();
  stop();
}

// cluster-http-pipe, cluster-net-listen
TEST_P(ScenarioListen, WorkersServeHttpOnAPath) {
  const Folder folder;
  const std::string path = folder / "socket";
  begin();
  std::set<std::string> pids;
  for (int i = 0; i < 2; ++i) {
    const unsigned id = worker();
    pids.insert(std::to_string(pid_of(id)));
    EXPECT_TRUE(said(id, R"({"do":"serve","path":")" + path + "\"}").starts_with("\"serving"));
  }
  Client client(path);
  client.get("/", "Connection: close\r\n");
  EXPECT_TRUE(pids.contains(client.answer()));
  client.close();
  stop();
}

// cluster-listen-pipe-readable-writable
TEST_P(ScenarioListen, APathIsForWhomTheWorkerSays) {
  const Folder folder;
  const std::string path = folder / "socket";
  begin();
  const unsigned id = worker();
  const std::string all =
      ours() ? R"("readable":1,"writable":1)" : R"("more":{"readableAll":true,"writableAll":true})";
  EXPECT_TRUE(said(id, R"({"do":"hold","path":")" + path + "\"," + all + "}").starts_with("\"holding"));
  struct stat made{};
  ASSERT_EQ(::stat(path.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0666U, 0666U);
  stop();
}

// cluster-net-listen-backlog
TEST_P(ScenarioListen, TheBacklogIsTheOneThatTheWorkerAskedFor) {
  begin();
  const unsigned id = worker();
  const uint16_t there = hold(id, R"("port":0,"backlog":3)");
  EXPECT_EQ(greeted(there), pid_of(id));
  if (const std::string most = backlog_of(there); !most.empty()) {
    EXPECT_EQ(most, "3");
  }
  stop();
}

// cluster-net-listen-ipv6only-false
TEST_P(ScenarioListen, EveryIpv6AddressIsEveryIpv4AddressTooUnlessAskedOtherwise) {
  begin();
  const unsigned id = worker();
  const uint16_t both = hold(id, R"("host":"::","port":0)");
  EXPECT_EQ(greeted(both), pid_of(id));
  EXPECT_EQ(std::atoi(Client::of_ipv6(both).until("\n").c_str()), pid_of(id));
  stop();
}

// cluster-net-listen-ipv6only-none, cluster-net-listen-ipv6only-rr
TEST_P(ScenarioListen, EveryIpv6AddressAloneLeavesThePortOfIpv4) {
  begin();
  const std::string only = ours() ? R"("ipv6_only":1)" : R"("more":{"ipv6Only":true})";
  const unsigned first = worker();
  const uint16_t there = hold(first, R"("host":"::","port":0,)" + only);
  const unsigned second = worker();
  EXPECT_EQ(hold(second, R"("host":"::","port":0,)" + only), there);
  EXPECT_TRUE(refuses(there));
  const std::set<pid_t> pids = {pid_of(first), pid_of(second)};
  EXPECT_TRUE(pids.contains(std::atoi(Client::of_ipv6(there).until("\n").c_str())));
  stop();
}

// cluster-net-server-drop-connection
TEST_P(ScenarioListen, AWorkerAtItsLimitTakesNoMoreAndTheOtherTakesThem) {
  if (!ours() && shared())
    GTEST_SKIP() << "workers of Node that accept themselves drop what is over their limit";
  begin();
  const unsigned full = worker();
  const uint16_t there = hold(full, R"("port":0,"max":1)");
  Client first(there);
  EXPECT_EQ(first.until("\n"), std::to_string(pid_of(full)) + "\n");
  const unsigned other = worker();
  EXPECT_EQ(hold(other), there);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(greeted(there), pid_of(other));
  first.close();
  stop();
}

// The same with a limit of none, as Node 24 has it; before, 0 was no limit.
TEST_P(ScenarioListen, AWorkerOfOursWhoseLimitIsNoneTakesNone) {
  if (!ours()) GTEST_SKIP() << "a test of our workers";
  begin();
  const uint16_t there = hold(worker(), R"("port":0,"max":0)");
  const unsigned other = worker();
  EXPECT_EQ(hold(other), there);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(greeted(there), pid_of(other));
  stop();
}

// cluster-rr-handle-keep-loop-alive, cluster-rr-handle-close
TEST_P(ScenarioListen, AListenerKeepsAWorkerWhoseChannelDoesNotUntilItIsClosed) {
  begin();
  const unsigned id = worker();
  const uint16_t there = hold(id);
  EXPECT_EQ(said(id, R"({"do":"unref the channel"})"), "\"unreferenced\"");
  EXPECT_EQ(greeted(there), pid_of(id));
  tell(id, R"({"do":"close"})");
  expect_of(id, "exit: exit code 0");
  stop();
}

// cluster-rr-handle-ref-unref, cluster-rr-ref
TEST_P(ScenarioListen, AListenerThatIsUnreferencedKeepsNobody) {
  begin();
  const unsigned id = worker();
  (void)hold(id);
  for (const std::string what : {"unref", "ref"}) (void)said(id, R"({"do":")" + what + "\"}");
  EXPECT_EQ(said(id, R"({"do":"unref the channel"})"), "\"unreferenced\"");
  EXPECT_NE(pid_of(id), 0);
  tell(id, R"({"do":"unref"})");
  expect_of(id, "exit: exit code 0");
  stop();
}

// net-listen-shared-ports, net-listen-exclusive-random-ports
TEST_P(ScenarioListen, PortsAreSharedUnlessTheyAreExclusive) {
  begin();
  const unsigned first = worker();
  const unsigned second = worker();
  const uint16_t there = hold(first);
  EXPECT_EQ(hold(second), there);
  const uint16_t own = hold(first, R"("port":0,"exclusive":1)");
  EXPECT_NE(own, 0);
  EXPECT_NE(hold(second, R"("port":0,"exclusive":1)"), own);
  EXPECT_TRUE(is_taken(said(second, R"({"do":"hold","exclusive":1,)" + at(own) + "}")));
  for (const unsigned id : {first, second}) EXPECT_EQ(said(id, R"({"do":"close"})"), "\"closed\"");
  stop();
}

// listen-fd-cluster
TEST_P(ScenarioListen, ADescriptorOfThePrimaryIsListenedOn) {
  const Fd listener = tcp_listener();
  begin(StartOptions().descriptor(9, listener.get()));
  const unsigned id = worker();
  EXPECT_TRUE(said(id, R"({"do":"hold","fd":9})").starts_with("\"holding"));
  EXPECT_EQ(greeted(port_of(listener.get())), pid_of(id));
  stop();
}

// Not one of Node's files: an abstract name, which Node 22 and later serve.
TEST_P(ScenarioListen, AnAbstractNameIsListenedOnByAllWorkers) {
  if (!GetParam().our_primary && node_version() < 22) GTEST_SKIP() << "this Node's primary does not";
  begin();
  const std::string name = "baton-" + std::to_string(::getpid()) + "-" + std::to_string(free_port());
  const std::string path = R"("path":"\u0000)" + name + "\"";
  std::set<pid_t> pids;
  for (int i = 0; i < 2; ++i) {
    const unsigned id = worker();
    pids.insert(pid_of(id));
    const std::string answer = said(id, R"({"do":"hold",)" + path + "}");
    EXPECT_TRUE(answer.starts_with("\"holding unix:")) << answer;
  }
  EXPECT_TRUE(pids.contains(std::atoi(Client('\0' + name).until("\n").c_str())));
  stop();
}

}  // namespace
}  // namespace baton::test
