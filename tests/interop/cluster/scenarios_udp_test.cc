// Node's own tests of UDP in workers of a cluster, each in the three columns. The comment of a test names the
// files of Node's test/parallel whose claim it proves.

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
  if (!GetParam().our_primary) GTEST_SKIP() << "Node's primary is started without it here";
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
