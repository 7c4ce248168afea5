// A real Node as the parent: of echo_worker, and of a Node that does the same, which is the measure; with
// either serialization.

#include <string>

#include "interop/json_table.h"
#include "interop/world.h"

namespace baton::test {
namespace {

struct Pair {
  bool cpp_child;
  bool advanced;
};
std::string name_of(const Pair& pair) {
  const std::string child = pair.cpp_child ? "CppChild" : "NodeChild";
  return pair.advanced ? child + "Advanced" : child;
}
void PrintTo(const Pair& pair, std::ostream* out) { *out << name_of(pair); }

class NodeParent : public World, public testing::WithParamInterface<Pair> {
 protected:
  void SetUp() override {
    if (!has_node()) GTEST_SKIP() << "there is no Node";
  }
  int play(const std::string& scenario, const std::vector<std::string>& texts = {}) {
    std::vector<std::string> command = {
        node_program(), source("tests/interop/node_parent.js"), scenario,
        GetParam().cpp_child ? program("echo_worker") : source("tests/interop/echo_worker.js")};
    command.insert(command.end(), texts.begin(), texts.end());
    return run(std::move(command),
               {std::string("SERIALIZATION=") + (GetParam().advanced ? "advanced" : "json")})
        .wait();
  }
};
INSTANTIATE_TEST_SUITE_P(Of, NodeParent,
                         testing::Values(Pair{true, false}, Pair{false, false}, Pair{true, true},
                                         Pair{false, true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(NodeParent, GetsBackEveryKindOfJson) { EXPECT_EQ(play("json", json_table()), 0); }
TEST_P(NodeParent, GetsBackEveryKindOfValue) {
  if (!GetParam().advanced) GTEST_SKIP() << "JSON has no words for them";
  EXPECT_EQ(play("values"), 0);
}
TEST_P(NodeParent, SeesTheOrderKeptAcrossHandles) { EXPECT_EQ(play("order"), 0); }
TEST_P(NodeParent, SendsAndGetsServers) { EXPECT_EQ(play("servers"), 0); }
TEST_P(NodeParent, SendsBareSockets) { EXPECT_EQ(play("native"), 0); }
TEST_P(NodeParent, GetsBareSockets) { EXPECT_EQ(play("gets_native"), 0); }
TEST_P(NodeParent, SendsAndGetsUdpSockets) { EXPECT_EQ(play("udp"), 0); }
TEST_P(NodeParent, SendsAndGetsBareUdpSockets) { EXPECT_EQ(play("udp_native"), 0); }
TEST_P(NodeParent, SendsAndGetsBoundSockets) {
  if (!node_has_bound_sockets()) GTEST_SKIP() << "this Node cannot send a net.BoundSocket";
  EXPECT_EQ(play("bound"), 0);
}
TEST_P(NodeParent, SendsAConnectionThatItKeeps) { EXPECT_EQ(play("keep_open"), 0); }
TEST_P(NodeParent, CountsTheConnectionsThatTheChildHolds) { EXPECT_EQ(play("sockets"), 0); }
TEST_P(NodeParent, LosesNoneOfTwoHundredConnections) { EXPECT_EQ(play("many_sockets"), 0); }
TEST_P(NodeParent, GetsTenThousandAnswersBeforeTheExit) { EXPECT_EQ(play("many_messages"), 0); }
TEST_P(NodeParent, Disconnects) { EXPECT_EQ(play("parent_disconnects"), 0); }
TEST_P(NodeParent, IsDisconnectedByAChildThatExits) { EXPECT_EQ(play("child_exits"), 0); }
TEST_P(NodeParent, SeesAChildDieOfAnException) { EXPECT_EQ(play("child_throws"), 0); }
// No descriptor may be free there. Node and the sanitizers' checks need some.
constexpr bool sanitized =
#ifdef BATON_SANITIZED
    true;
#else
    false;
#endif

TEST_P(NodeParent, IsAnsweredOnceWhenItSendsAHandleAgain) {
  // (A Node as the child would answer twice, and its Node parent die of that.)
  if (!GetParam().cpp_child || sanitized) GTEST_SKIP() << "this child cannot do without descriptors";
  EXPECT_EQ(play("retransmission"), 0);
}
TEST_P(NodeParent, GoesOnWhenTheChildCannotTakeAHandle) {
  if (!GetParam().cpp_child || sanitized) GTEST_SKIP() << "this child cannot do without descriptors";
  EXPECT_EQ(play("refused_for_good"), 0);
}

}  // namespace
}  // namespace baton::test
