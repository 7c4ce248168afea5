// Node's own tests of the channel between a parent and a child, in three columns: our parent of Node, Node's
// parent of ours, and both ours. The comment of a test names the files of Node's test/parallel whose claim it
// proves.

#include "interop/family/family_test.h"

namespace baton::test {
namespace {

class FamilyChannel : public Family {};
INSTANTIATE_TEST_SUITE_P(Of, FamilyChannel, all_kin(), name_of_kin);

// child-process-fork-and-spawn
TEST_P(FamilyChannel, IsOfTheForkedChildAndNotOfTheOneThatIsSpawnedBesideIt) {
  expect_all("both kinds", {}, {"forked: a channel", "exit code 0", "spawned: no channel", "exit code 0"});
}

// child-process-stdin-ipc, child-process-stdout-ipc
TEST_P(FamilyChannel, MayBeAnyOfTheStandardStreams) {
  for (const std::string number : {"0", "1", "2"})
    expect_all("channel is", {number}, {"\"talked\"", "exit code 0"});
}

// child-process-internal
TEST_P(FamilyChannel, KeepsMessagesWhoseNameBeginsAsNodesOwnFromTheProgramAndNoOthers) {
  expect_all("hear", {"speak internally"}, {R"({"cmd":"fooNODE_"})", "disconnect", "exit code 0"});
}

// child-process-fork3
TEST_P(FamilyChannel, DoesNotKeepAChildThatDoesNothing) {
  expect_all("hear", {"nothing"}, {"disconnect", "exit code 0"});
}

// child-process-fork-ref2
TEST_P(FamilyChannel, DoesNotKeepAChildThatListensWhenItIsDisconnected) {
  expect_all("hear", {"listen late"}, {"disconnect", "exit code 0"});
}

// child-process-fork-ref
TEST_P(FamilyChannel, KeepsAChildThatWaitsForItsEndAndWhatItSaysThenComes) {
  expect_all("leave", {}, {"started", "at the end", "exit code 0"});
}

// child-process-ipc-next-tick
TEST_P(FamilyChannel, LosesNoMessageToExceptionsOfAParentThatThrowsAtEach) {
  expect_all("throw at each", {}, {"disconnect", "exit code 0", "10 messages, 10 exceptions"});
}
TEST_P(FamilyChannel, LosesNoMessageToExceptionsOfAChildThatThrowsAtEach) {
  expect_all("be thrown at", {}, {"10 messages, 10 exceptions", "exit code 0"});
}

// child-process-send-after-close
TEST_P(FamilyChannel, RefusesWhatIsSentAfterItsEnd) {
  expect_all("speak late", {}, {"the child is refused", "exit code 0", "the parent is refused"});
}

// child-process-send-cb
TEST_P(FamilyChannel, SaysOfEachMessageThatItWent) {
  expect_all("ask of each", {}, {"50 went", "50 came", "exit code 0", "the last is refused"});
}

// child-process-advanced-serialization-largebuffer
TEST_P(FamilyChannel, CarriesFourBuffersOfEightMebibytesInTheirOrder) {
  Texts lines;
  for (int i = 0; i < 4; ++i) lines.push_back("8388608 " + std::to_string(i));
  lines.emplace_back("exit code 0");
  expect_all("say much", {}, lines);
}

// cluster-send-deadlock
TEST_P(FamilyChannel, CarriesFiftyHandlesEachWayAtOnce) {
  expect_all("give both ways", {}, {"both have all", "exit code 0"});
}

// cluster-send-handle-large-payload
TEST_P(FamilyChannel, CarriesAHandleWithALargeMessageEachWay) {
  expect_all("give with", {"much"}, {"it is back", "exit code 0"});
}

// net-listen-handle-in-cluster-1
TEST_P(FamilyChannel, CarriesAHandleWithAMessageThatIsNullEachWay) {
  expect_all("give with", {"nothing"}, {"it is back", "exit code 0"});
}

// child-process-fork-closed-channel-segfault
TEST_P(FamilyChannel, MayCloseWhileHandlesWait) {
  Texts lines = {"exit code 0"};
  if (GetParam() != Kin::our_child) lines.insert(lines.end(), {"not connected", "all have settled"});
  expect_all("give too many", {}, lines);
}

}  // namespace
}  // namespace baton::test
