// Node's own tests of UDP in workers of a cluster, each in the three columns. The comment of a test names the
// files of Node's test/parallel whose claim it proves.

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <set>

#include "interop/cluster/scenario.h"
#include "support/free_port.h"

namespace baton::test {
namespace {

class ScenarioUdp : public Scenario {
 protected:
  uint16_t bind(unsigned id, const std::string& more = R"("port":0)") {
    return order(id, R"({"do":"udp",)" + more + "}");
  }
  /// Whether sooner or later nobody has it bound.
  static bool becomes_free(uint16_t there) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(there);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(patience_seconds);
    while (std::chrono::steady_clock::now() < end) {
      const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
      ::usleep(1000);
    }
    return false;
  }
  static pid_t answers(uint16_t there) { return std::atoi(ask_udp(there, "x").c_str()); }
};
INSTANTIATE_TEST_SUITE_P(Of, ScenarioUdp, all_columns(), name_of_column);

// dgram-bind-shared-ports, cluster-dgram-1, cluster-dgram-2, cluster-child-index-dgram
TEST_P(ScenarioUdp, PortsAreSharedAndThoseThatAreChosenAreCounted) {
  begin();
  const unsigned first = worker();
  const unsigned second = worker();
  const std::set<uint16_t> both = {bind(first), bind(first)};
  EXPECT_EQ(both.size(), 2U);
  EXPECT_EQ((std::set<uint16_t>{bind(second), bind(second)}), both);
  const std::set<pid_t> pids = {pid_of(first), pid_of(second)};
  for (const uint16_t there : both) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(pids.contains(answers(there)));
  }
  stop();
}

// What the Node halves of dgram-unref-in-cluster and dgram-cluster-close-during-bind begin with.
TEST_P(ScenarioUdp, WhoNamesNoPortGetsOneWhichIsThatOfAllWhoNameNone) {
  begin();
  std::set<pid_t> pids;
  std::set<uint16_t> ports;
  for (const std::string form : {"nothing", "callback"}) {
    const unsigned id = worker();
    pids.insert(pid_of(id));
    ports.insert(bind(id, R"("form":")" + form + "\""));
  }
  ASSERT_EQ(ports.size(), 1U);
  EXPECT_TRUE(pids.contains(answers(*ports.begin())));
  stop();
}

// dgram-bind-shared-ports-after-port-0 (whose port is a text)
TEST_P(ScenarioUdp, APortMayBeAText) {
  begin();
  const unsigned id = worker();
  const uint16_t there = free_port();
  EXPECT_EQ(bind(id, R"("form":"text",)" + at(there)), there);
  EXPECT_EQ(answers(there), pid_of(id));
  stop();
}

// cluster-dgram-bind-fd
TEST_P(ScenarioUdp, ADescriptorOfThePrimaryIsBoundByAllWorkers) {
  const Fd bound = udp_socket();
  begin(StartOptions().descriptor(9, bound.get()));
  const unsigned first = worker();
  const unsigned second = worker();
  for (const unsigned id : {first, second}) EXPECT_EQ(bind(id, R"("fd":9)"), port_of(bound.get()));
  const std::set<pid_t> pids = {pid_of(first), pid_of(second)};
  EXPECT_TRUE(pids.contains(answers(port_of(bound.get()))));
  stop();
}

// dgram-cluster-bind-error
TEST_P(ScenarioUdp, APortThatIsTakenIsTheWorkersError) {
  begin();
  const Fd taken = udp_socket();
  const unsigned id = worker();
  EXPECT_TRUE(is_taken(said(id, R"({"do":"udp",)" + at(port_of(taken.get())) + "}")));
  stop("baton: channel: ");
}

// dgram-bind-socket-close-before-cluster-reply, dgram-cluster-close-during-bind
TEST_P(ScenarioUdp, ASocketThatIsClosedBeforeThePrimaryHasAnsweredIsNoErrorAndLeavesNothing) {
  if (!ours() && node_version() < 20)
    GTEST_SKIP() << "a worker of this Node dies of it under Node's own primary";
  begin();
  const Fd taken = udp_socket();
  const unsigned id = worker();
  const uint16_t free = free_port();
  for (const uint16_t there : {port_of(taken.get()), free}) {
    EXPECT_EQ(said(id, R"({"do":"udp","give_up":1,)" + at(there) + "}"), "\"given up\"");
  }
  EXPECT_EQ(answers(bind(id)), pid_of(id));
  EXPECT_TRUE(becomes_free(free));
  stop("baton: channel: ");
}

TEST_P(ScenarioUdp, ASocketThatEachWorkerHasClosedIsBoundNoMore) {
  begin();
  const uint16_t there = free_port();
  const unsigned first = worker();
  const unsigned second = worker();
  for (const unsigned id : {first, second}) EXPECT_EQ(bind(id, at(there)), there);
  EXPECT_EQ(said(first, R"({"do":"close"})"), "\"closed\"");
  EXPECT_EQ(answers(there), pid_of(second));
  EXPECT_EQ(said(second, R"({"do":"close"})"), "\"closed\"");
  EXPECT_TRUE(becomes_free(there));
  stop();
}

// dgram-unref-in-cluster
TEST_P(ScenarioUdp, ASocketThatIsUnreferencedKeepsNobody) {
  begin();
  const unsigned id = worker();
  EXPECT_EQ(answers(bind(id, R"("port":0,"unref":1)")), pid_of(id));
  tell(id, R"({"do":"unref the channel"})");
  expect(std::to_string(id) + " exit: exit code 0");
  stop();
}

// dgram-exclusive-implicit-bind
TEST_P(ScenarioUdp, AWorkersSocketThatWasBoundToNothingIsItsOwn) {
  if (ours()) GTEST_SKIP() << "a socket of ours is bound when it is there";
  begin();
  const Fd receiver = udp_socket();
  std::set<uint16_t> sources;
  for (int i = 0; i < 2; ++i) {
    const unsigned id = worker();
    tell(id, R"({"do":"datagram",)" + at(port_of(receiver.get())) + "}");
    sockaddr_in from{};
    socklen_t length = sizeof from;
    char text[16] = {};
    ASSERT_GT(
        ::recvfrom(receiver.get(), text, sizeof text - 1, 0, reinterpret_cast<sockaddr*>(&from), &length), 0);
    EXPECT_EQ(std::atoi(text), pid_of(id));
    sources.insert(ntohs(from.sin_port));
  }
  EXPECT_EQ(sources.size(), 2U);
  for (const unsigned id : {1U, 2U}) EXPECT_EQ(said(id, R"({"do":"close"})"), "\"closed\"");
  stop();
}

// cluster-dgram-reuseport
TEST_P(ScenarioUdp, APortThatIsReusedIsAskedOfNoPrimary) {
  if (!ours() && node_version() < 24) GTEST_SKIP() << "this Node has no reusePort";
  begin();
  const uint16_t there = free_port();
  std::set<unsigned> ids;
  for (int i = 0; i < 2; ++i) {
    ids.insert(worker());
    EXPECT_EQ(bind(*ids.rbegin(), R"("reuse_port":1,)" + at(there)), there);
  }
  expect_no_listener();
  for (const unsigned id : ids) EXPECT_EQ(said(id, R"({"do":"close"})"), "\"closed\"");
  EXPECT_TRUE(becomes_free(there));
  stop();
}

// cluster-dgram-ipv6only
TEST_P(ScenarioUdp, EveryIpv6AddressAloneLeavesThePortOfIpv4) {
  begin();
  const unsigned id = worker();
  const uint16_t there = bind(id, R"("host":"::","port":0,"ipv6_only":1)");
  EXPECT_NE(there, 0);
  EXPECT_EQ(bind(id, R"("host":"0.0.0.0",)" + at(there)), there);
  EXPECT_EQ(answers(there), pid_of(id));
  stop();
}

// cluster-dgram-reuse
TEST_P(ScenarioUdp, AnAddressThatMayBeReusedIsBoundByEveryWorker) {
  begin();
  const unsigned first = worker();
  const unsigned second = worker();
  const std::string there = R"("reuse":1,)" + at(free_port());
  const uint16_t bound = bind(first, there);
  EXPECT_NE(bound, 0);
  EXPECT_EQ(bind(second, there), bound);
  stop();
}

// dgram-cluster-close-in-listening
TEST_P(ScenarioUdp, ASocketThatIsClosedAsSoonAsItIsBoundLetsItsWorkerGoOn) {
  begin();
  const unsigned id = worker();
  EXPECT_NE(bind(id), 0);
  EXPECT_EQ(said(id, R"({"do":"close"})"), "\"closed\"");
  const uint16_t next = bind(id);
  EXPECT_EQ(answers(next), pid_of(id));
  stop();
}

}  // namespace
}  // namespace baton::test
