// Node's own tests of children without a channel, or of whose channel little is asked, in three columns: our
// parent of Node, Node's parent of ours, and both ours. The comment of a test names the files of Node's
// test/parallel whose claim it proves.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "interop/family/family_test.h"
#include "process/cluster/cluster_test.h"
#include "support/folder.h"

namespace baton::test {
namespace {

class FamilyPrograms : public Family {
 protected:
  /// An orphan of the parent's, which comes to this process, runs in a session of its own; it ends here.
  static void expect_to_live_on(pid_t pid) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT), 0);
    EXPECT_EQ(info.si_pid, 0) << "it has ended";
    EXPECT_EQ(::getsid(pid), pid);
  }
  static void kill_orphan(pid_t pid) {
    ::kill(pid, SIGKILL);
    EXPECT_EQ(collect(pid), "signal 9");
  }
};
INSTANTIATE_TEST_SUITE_P(Of, FamilyPrograms, all_kin(), name_of_kin);

// child-process-cwd
TEST_P(FamilyPrograms, AnEmptyFolderIsTheParentsAndAMissingOneIsAnError) {
  expect_all("somewhere", {}, {std::filesystem::current_path(), "ENOENT"});
}

// child-process-detached, child-process-fork-detached
TEST_P(FamilyPrograms, ADetachedChildLivesOnWhenItsParentHasEnded) {
  for (const std::string how : {"spawn", "fork"}) {
    start("outlived", {how});
    const pid_t pid = std::stoi(line());
    expect_rest({});
    expect_to_live_on(pid);
    kill_orphan(pid);
  }
}

// child-process-exit
TEST_P(FamilyPrograms, EachOfFiveGenerationsSeesTheNextOneEndAndPassesOnWhatItSays) {
  start_with({"generation", "5", childs_module(), parents_module()});
  Texts lines = {"the last"};
  for (int i = 1; i <= 5; ++i) lines.push_back(std::to_string(i) + " saw exit code 7");
  expect_rest(lines, "exit 7");
}

// child-process-set-blocking
TEST_P(FamilyPrograms, OutputThatIsInheritedIsCompleteHoweverLong) {
  start("inherited", {"print", "5000000"});
  EXPECT_EQ(line().size(), 4'999'999U);
  expect_rest({});
}

// child-process-stdio-inherit
TEST_P(FamilyPrograms, StreamsAreInheritedThroughTwoGenerations) {
  start("inherited", {"inherited", parents_module(), "cat"});
  parent.say("foo");
  parent.close_input();
  expect_rest({"foo"});
}

// child-process-spawn-loop
TEST_P(FamilyPrograms, FortyChildrenOneAfterTheOtherLoseNoByteOfAMebibyteEach) {
  expect_all("forty", {}, {std::to_string(40 << 20)});
}

// child-process-stdio-merge-stdouts-into-cat
TEST_P(FamilyPrograms, TwoChildrenAndTheParentWriteIntoTheInputOfAThird) {
  expect_all("merged", {}, {"one", "three", "two"});
}

// child-process-stdio-reuse-readable-stdio
TEST_P(FamilyPrograms, AStreamThatWasLentIsReadByTheParentAfterwards) {
  expect_all("reader after reader", {}, {"the child read first", "the parent read second"});
}

// child-process-server-close
TEST_P(FamilyPrograms, AnAcceptedConnectionIsTheOutputOfAChildAndTheServersPathIsFreeAgain) {
  const Folder folder;
  for (int round = 0; round < 2; ++round) {
    start("lend a connection", {folder / "socket"});
    EXPECT_EQ(line(), "listening");
    Client client(folder / "socket");
    EXPECT_EQ(client.rest(), "to you\n");
    expect_rest({"exit code 0"});
  }
}

// stdout-cannot-be-closed-child-process-pipe
TEST_P(FamilyPrograms, AChildThatEndsItsOutputHasSaidEverythingAndEndsWell) {
  expect_all("collected", {"end the output"}, {"out: foo, err: , exit code 0"});
}

// process-external-stdio-close, process-external-stdio-close-spawn
TEST_P(FamilyPrograms, AChildThatNobodyHearsAnyMoreDoesNotDieOfSpeaking) {
  for (const std::string how : {"fork", "spawn"}) expect_all("unheard", {how}, {"has spoken", "exit code 0"});
}

// stdin-from-file-spawn
TEST_P(FamilyPrograms, TheInputOfAChildMayBeAFile) {
  const Folder folder;
  std::ofstream(folder / "text") << "one\ntwo";
  expect_all("from a file", {folder / "text"}, {"one", "two"});
}

/// What a child serves that was given the parent's listener.
class FamilyListeners : public FamilyPrograms {
 protected:
  void start(const std::string& how) {
    Family::start("give a listener", {how});
    std::istringstream words(line());
    words >> port >> pid;
  }
  [[nodiscard]] pid_t answering() const {
    Client client(port);
    client.get("/", "Connection: close\r\n");
    return std::atoi(client.answer().c_str());
  }
  uint16_t port = 0;
  pid_t pid = 0;
};
INSTANTIATE_TEST_SUITE_P(Of, FamilyListeners, all_kin(), name_of_kin);

// listen-fd-server
TEST_P(FamilyListeners, AListenerThatIsInheritedIsServed) {
  start("kept");
  EXPECT_EQ(answering(), pid);
  parent.close_input();
  expect_rest({"killed by SIGTERM"});
}

// listen-fd-detached, listen-fd-detached-inherit
TEST_P(FamilyListeners, AListenerThatIsInheritedIsServedWhenTheParentHasEnded) {
  for (const std::string how : {"detached", "detached, inherits"}) {
    start(how);
    EXPECT_EQ(parent.end(), "exit 0");
    EXPECT_EQ(answering(), pid);
    expect_to_live_on(pid);
    kill_orphan(pid);
    EXPECT_EQ(parent.errors.rest(), Texts());
  }
}

}  // namespace
}  // namespace baton::test
