#include <optional>

#include "baton/spawn/child.h"
#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

class TerminalTest : public test::LeakFree {
 protected:
  Child shell(const std::string& script, const SpawnOptions& options) {
    return spawn(loop_, "/bin/sh", {"-c", script}, options);
  }
  /// What is on the screen in the end.
  std::string screen_of(Child& child) {
    std::string text;
    child.terminal().on_data([&](std::string_view bytes) { text += bytes; });
    loop_.run();
    return text;
  }
  Loop loop_;
};

TEST_F(TerminalTest, IsTheChildsStandardInputOutputAndError) {
  auto child =
      shell("test -t 0 && test -t 1 && test -t 2 && echo out && echo err >&2", SpawnOptions().terminal());
  EXPECT_EQ(screen_of(child), "out\r\nerr\r\n");
  EXPECT_TRUE(child.status()->success());
  EXPECT_FALSE(child.piped(1));
}

TEST_F(TerminalTest, ClosesWithItsChildHoweverMuchThatHadToSay) {
  auto child = shell("yes | head -c 100000", SpawnOptions().terminal());
  size_t size = 0;
  bool closed = false;
  child.terminal().on_data([&](std::string_view bytes) { size += bytes.size(); });
  child.on_close([&](const ExitStatus& status) { closed = status.success(); });
  loop_.run();
  EXPECT_EQ(size, 150'000U) << "each line ends in two characters";
  EXPECT_TRUE(closed);
}

TEST_F(TerminalTest, IsWhatTheChildsSessionIsControlledBy) {
  auto child = shell("echo text >/dev/tty", SpawnOptions().terminal());
  EXPECT_EQ(screen_of(child), "text\r\n");
  EXPECT_TRUE(child.status()->success());
}

TEST_F(TerminalTest, HasTheSizeThatWasAskedFor) {
  auto child = shell("stty size", SpawnOptions().terminal(WindowSize(100, 30)));
  EXPECT_EQ(screen_of(child), "30 100\r\n");
  auto by_default = shell("stty size", SpawnOptions().terminal());
  EXPECT_EQ(screen_of(by_default), "24 80\r\n");
}

TEST_F(TerminalTest, TellsTheProgramWhenItsSizeChanges) {
  auto child = shell("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done",
                     SpawnOptions().terminal());
  std::string text;
  bool resized = false;
  child.terminal().on_data([&](std::string_view bytes) {
    text += bytes;
    if (!std::exchange(resized, true)) child.resize(WindowSize(132, 43));
  });
  loop_.run();
  EXPECT_EQ(text, "ready\r\n43 132\r\n");
}

TEST_F(TerminalTest, TakesWhatIsTypedAndEchoesIt) {
  auto child = shell("read line; echo got $line", SpawnOptions().terminal());
  child.terminal().write("this\n");
  EXPECT_EQ(screen_of(child), "this\r\ngot this\r\n");
}

TEST_F(TerminalTest, MakesASignalOfControlC) {
  auto child = shell("echo ready; exec sleep 1000", SpawnOptions().terminal());
  child.terminal().on_data([&, typed = false](std::string_view) mutable {
    if (!std::exchange(typed, true)) child.terminal().write("\x03");
  });
  loop_.run();
  EXPECT_EQ(child.status()->signal(), SIGINT);
}

TEST_F(TerminalTest, EndsAProgramThatReadsToTheEndByControlD) {
  auto child = spawn(loop_, "cat", {}, SpawnOptions().terminal());
  child.terminal().write("\x04");
  screen_of(child);
  EXPECT_TRUE(child.status()->success());
}

TEST_F(TerminalTest, LeavesAStreamThatIsSetAfterwardsAsItIs) {
  std::string out;
  auto child = shell("echo out; echo err >&2", SpawnOptions().terminal().stdio(1, Stdio::pipe()));
  child.stdout_stream().on_data([&](std::string_view bytes) { out += bytes; });
  EXPECT_EQ(screen_of(child), "err\r\n");
  EXPECT_EQ(out, "out\n");
}

TEST_F(TerminalTest, LosesNoByteOfALargeOutput) {
  auto child = shell("yes | head -n 100000", SpawnOptions().terminal());
  EXPECT_EQ(screen_of(child).size(), 300'000U);
}

TEST_F(TerminalTest, BelongsToTheUserThatTheChildRunsAs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto child = shell("stat -L -c %u /dev/stdin", SpawnOptions().terminal().uid(65534).gid(65534));
  EXPECT_EQ(screen_of(child), "65534\r\n");
}

TEST_F(TerminalTest, HangsUpWhenTheChildIsDestroyed) {
  std::optional<Child> child(shell("echo ready; exec sleep 1000", SpawnOptions().terminal()));
  std::optional<ExitStatus> status;
  child->exited().then([&](Result<ExitStatus> result) { status = *result; });
  child->terminal().on_data([&](std::string_view) { child.reset(); });
  loop_.run();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->signal() == SIGHUP || status->signal() == SIGTERM) << status->describe();
}

TEST_F(TerminalTest, IsMisuseWhereThereIsNone) {
  auto child = spawn(loop_, "true");
  EXPECT_THROW((void)child.terminal(), std::logic_error);
  EXPECT_THROW(child.resize(WindowSize()), std::logic_error);
  EXPECT_THROW((void)spawn(loop_, "true", {}, SpawnOptions().stdio(1, Stdio::terminal())), std::logic_error);
  loop_.run();
}

}  // namespace
}  // namespace baton
