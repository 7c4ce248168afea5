// A real Node as the parent: of echo_worker, and of a Node that does the same, which is the measure; with
// either serialization.

#include <string>

#include "interop/json_table.h"
#include "interop/world.h"
#include "support/folder.h"

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
  static std::string child_module(const std::string& name = "echo_worker") {
    return GetParam().cpp_child ? built(name) : source("tests/interop/" + name + ".js");
  }
  int play(const std::string& scenario, const std::vector<std::string>& texts = {},
           const std::string& module = child_module(), const std::string& start = "") {
    std::vector<std::string> command = {node_program(), source("tests/interop/node_parent.js"), scenario,
                                        module};
    command.insert(command.end(), texts.begin(), texts.end());
    const std::string serialization = GetParam().advanced ? "advanced" : "json";
    return run(std::move(command), {"SERIALIZATION=" + serialization, "START=" + start}).wait();
  }
};
INSTANTIATE_TEST_SUITE_P(Of, NodeParent,
                         testing::Values(Pair{true, false}, Pair{false, false}, Pair{true, true},
                                         Pair{false, true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(NodeParent, GetsBackEveryKindOfJson) { EXPECT_EQ(play("json", json_table()), 0); }
TEST_P(NodeParent, SeesTheOrderKeptAcrossHandles) { EXPECT_EQ(play("order"), 0); }
TEST_P(NodeParent, SendsAndGetsServers) { EXPECT_EQ(play("servers"), 0); }
TEST_P(NodeParent, SendsBareSockets) { EXPECT_EQ(play("native"), 0); }
TEST_P(NodeParent, GetsBareSockets) { EXPECT_EQ(play("gets_native"), 0); }
TEST_P(NodeParent, SendsAndGetsUdpSockets) { EXPECT_EQ(play("udp"), 0); }
TEST_P(NodeParent, SendsAndGetsBareUdpSockets) { EXPECT_EQ(play("udp_native"), 0); }
TEST_P(NodeParent, SendsAndGetsBoundSockets) {
  if (!node_has_bound_sockets()) GTEST_SKIP() << "a Node before 26 cannot send a net.BoundSocket";
  EXPECT_EQ(play("bound"), 0);
}
TEST_P(NodeParent, SendsAConnectionThatItKeeps) { EXPECT_EQ(play("keep_open"), 0); }
TEST_P(NodeParent, CountsTheConnectionsThatTheChildHolds) { EXPECT_EQ(play("sockets"), 0); }
TEST_P(NodeParent, LosesNoneOfTwoHundredConnections) { EXPECT_EQ(play("many_sockets"), 0); }
TEST_P(NodeParent, GetsTenThousandAnswersBeforeTheExit) { EXPECT_EQ(play("many_messages"), 0); }
TEST_P(NodeParent, Disconnects) { EXPECT_EQ(play("parent_disconnects"), 0); }
TEST_P(NodeParent, IsDisconnectedByAChildThatExits) { EXPECT_EQ(play("child_exits"), 0); }
TEST_P(NodeParent, SeesAChildDieOfAnException) { EXPECT_EQ(play("child_throws"), 0); }
TEST_P(NodeParent, SendsUdpSocketsOfIpv6) { EXPECT_EQ(play("udp6"), 0); }
TEST_P(NodeParent, SendsServersAndConnectionsOfAPath) {
  const Folder folder;
  EXPECT_EQ(play("path", {folder / "socket"}), 0);
}
TEST_P(NodeParent, TellsTheChildWhichDescriptorItsChannelIs) {
  EXPECT_EQ(play("order", {}, child_module(), "fifth"), 0);
}

// What the child has, and gives.
class NodeTaker : public NodeParent {
 protected:
  int play(const std::string& scenario, const std::vector<std::string>& texts = {}) {
    return NodeParent::play(scenario, texts, child_module("giver"));
  }
};
INSTANTIATE_TEST_SUITE_P(Of, NodeTaker,
                         testing::Values(Pair{true, false}, Pair{false, false}, Pair{true, true},
                                         Pair{false, true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(NodeTaker, IsCountedByTheChildWhoseConnectionsItHolds) { EXPECT_EQ(play("given_counted"), 0); }
TEST_P(NodeTaker, LosesNoneOfTwoHundredConnections) { EXPECT_EQ(play("given_many"), 0); }
TEST_P(NodeTaker, SharesAConnectionThatTheChildKeeps) { EXPECT_EQ(play("given_shared"), 0); }
TEST_P(NodeTaker, TakesConnectionsOfAPath) {
  const Folder folder;
  EXPECT_EQ(play("given_of_a_path", {folder / "socket"}), 0);
}
TEST_P(NodeTaker, TakesAServerOfAPath) {
  const Folder folder;
  EXPECT_EQ(play("given_server_of_a_path", {folder / "socket"}), 0);
}
TEST_P(NodeTaker, TakesAUdpSocketOfIpv6) { EXPECT_EQ(play("given_udp6"), 0); }

// JSON has no words for them.
class AdvancedNodeParent : public NodeParent {};
INSTANTIATE_TEST_SUITE_P(Of, AdvancedNodeParent, testing::Values(Pair{true, true}, Pair{false, true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(AdvancedNodeParent, GetsBackEveryKindOfValue) { EXPECT_EQ(play("values"), 0); }

// What a child must not be a Node for.
class NodeParentOfAProgram : public NodeParent {};
INSTANTIATE_TEST_SUITE_P(Of, NodeParentOfAProgram, testing::Values(Pair{true, false}, Pair{true, true}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(NodeParentOfAProgram, ForksItAsAScript) { EXPECT_EQ(play("order", {}, child_module(), "fork"), 0); }
// The parent would not get it with the connection.
TEST_P(NodeParentOfAProgram, IsNotGivenAConnectionOfWhichTheChildHasRead) {
  EXPECT_EQ(play("given_read", {}, child_module("giver")), 0);
}
// No descriptor may be free there: Node and the sanitizers' checks need some. And a Node as the child would
// answer twice, and its Node parent die of that.
class NodeParentOfAFullProgram : public NodeParentOfAProgram {
 protected:
  void SetUp() override {
    if (sanitized()) GTEST_SKIP() << "the sanitizers' checks need descriptors";
  }
};
INSTANTIATE_TEST_SUITE_P(Of, NodeParentOfAFullProgram, testing::Values(Pair{true, false}, Pair{true, true}),
                         [](const auto& test) { return name_of(test.param); });
TEST_P(NodeParentOfAFullProgram, IsAnsweredOnceWhenItSendsAHandleAgain) {
  EXPECT_EQ(play("retransmission"), 0);
}
TEST_P(NodeParentOfAFullProgram, GoesOnWhenTheChildCannotTakeAHandle) {
  EXPECT_EQ(play("refused_for_good"), 0);
}

}  // namespace
}  // namespace baton::test
