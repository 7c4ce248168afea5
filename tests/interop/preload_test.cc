// The module that `baton run` gives to Node programs, under a real Node as the primary: what it promises is
// what the scenarios of preload/primary.cjs check.

#include <string>
#include <tuple>

#include "interop/world.h"

namespace baton::test {
namespace {

class Preload : public World, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (!has_node()) GTEST_SKIP() << "there is no Node";
  }
  int play(const std::string& scenario) {
    return run({node_program(), source("tests/interop/preload/primary.cjs"), scenario, GetParam()}).wait();
  }
};
INSTANTIATE_TEST_SUITE_P(In, Preload, testing::Values("cjs", "mjs"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Preload, AnswersAKeepAliveConnectionOnceMoreAndSaysThatItCloses) { EXPECT_EQ(play("keep_alive"), 0); }
TEST_P(Preload, DoesTheSameForHttps) { EXPECT_EQ(play("https"), 0); }
TEST_P(Preload, AnswersWhatIsOnItsWayInASessionOfHttp2) { EXPECT_EQ(play("http2"), 0); }
TEST_P(Preload, WaitsForTheRequestOfAConnectionThatWasJustAccepted) { EXPECT_EQ(play("silent"), 0); }
TEST_P(Preload, ClosesAnIdleConnectionOnceItWasQuietForTheGrace) { EXPECT_EQ(play("idle"), 0); }
TEST_P(Preload, ClosesAConnectionOnWhichNobodyEverSpeaks) { EXPECT_EQ(play("silent_for_ever"), 0); }
TEST_P(Preload, FinishesTheAnswersThatAreInProgress) { EXPECT_EQ(play("in_progress"), 0); }
TEST_P(Preload, SaysThatItClosesWhateverTheProgramSays) { EXPECT_EQ(play("own_headers"), 0); }
TEST_P(Preload, KeepsIdleConnectionsThatTheProgramWouldClose) { EXPECT_EQ(play("own_close"), 0); }
TEST_P(Preload, LeavesWebSocketsAlone) { EXPECT_EQ(play("websocket"), 0); }
TEST_P(Preload, ReportsConnectionsAndLag) { EXPECT_EQ(play("load"), 0); }
TEST_P(Preload, AnswersPings) { EXPECT_EQ(play("ping"), 0); }
TEST_P(Preload, IsNotPassedOnToThreadsAndGrandchildren) { EXPECT_EQ(play("grandchildren"), 0); }
TEST_P(Preload, DoesNothingInOtherProcesses) { EXPECT_EQ(play("others"), 0); }

}  // namespace
}  // namespace baton::test
