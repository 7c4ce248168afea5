#include "baton/spawn/sync.h"

#include <fcntl.h>

#include "baton/spawn/child.h"
#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

class Sync : public test::LeakFree {};

TEST_F(Sync, GivesThePidTheStatusAndBothOutputs) {
  const auto result = spawn_sync("/bin/sh", {"-c", "echo $$; echo err >&2; exit 3"});
  EXPECT_EQ(result.out(), std::to_string(result.pid()) + "\n");
  EXPECT_EQ(result.err(), "err\n");
  EXPECT_EQ(result.status().code(), 3);
  EXPECT_EQ(result.error(), nullptr) << "a code is a result";
  EXPECT_FALSE(result.success());
}

TEST_F(Sync, SaysWhyNothingRanWithoutThrowing) {
  const auto result = spawn_sync("/nowhere/program");
  ASSERT_NE(result.error(), nullptr);
  EXPECT_STREQ(result.error()->what(),
               "spawn /nowhere/program: execve /nowhere/program: no such file or directory");
  EXPECT_EQ(result.error()->name(), "ENOENT");
  EXPECT_EQ(result.error()->call(), "execve");
  EXPECT_EQ(result.pid(), 0);
  EXPECT_FALSE(result.status().code() || result.status().signal());
  EXPECT_FALSE(result.success());
}

TEST_F(Sync, LeavesAloneWhatACallbackOfAnotherLoopWasGiven) {
  Loop loop;
  auto child = spawn(loop, "/bin/sh", {"-c", "printf %s given; exec sleep 1000"});
  std::string after;
  child.stdout_stream().on_data([&](std::string_view bytes) {
    EXPECT_EQ(exec_sync("yes | head -c 60000").value().out().size(), 60'000U);
    after = bytes;
    child.kill();
  });
  loop.run();
  EXPECT_EQ(after, "given");
}

TEST_F(Sync, GivesTheProgramAnInputThatIsLongerThanAnyQueue) {
  const std::string input((size_t{256} << 20) + 1, 'x');
  const auto result = spawn_sync("wc", {"-c"}, ExecOptions().input(input));
  EXPECT_EQ(result.out(), std::to_string(input.size()) + "\n");
}

TEST_F(Sync, GivesTheProgramItsInputAndThenTheEnd) {
  const std::string input(300'000, 'x');
  EXPECT_EQ(spawn_sync("cat", {}, ExecOptions().input(input)).out(), input);
  EXPECT_EQ(spawn_sync("cat").out(), "");
}

TEST_F(Sync, IsNotHurtByAProgramThatDoesNotReadItsInput) {
  EXPECT_TRUE(spawn_sync("true", {}, ExecOptions().input(std::string(1 << 20, 'x'))).success());
}

TEST_F(Sync, EndsTheProgramWhenItsTimeIsUp) {
  const auto result = spawn_sync("sleep", {"1000"}, ExecOptions().timeout(1ms));
  EXPECT_TRUE(result.killed() && result.timed_out());
  EXPECT_EQ(result.status().signal(), SIGTERM);
  ASSERT_NE(result.error(), nullptr);
  EXPECT_EQ(result.error()->name(), "ETIMEDOUT");
  EXPECT_EQ(result.error()->operation(), "spawn sleep");
}

TEST_F(Sync, SendsTheKillSignalOfItsOptions) {
  const auto result = spawn_sync("sleep", {"1000"}, ExecOptions().timeout(1ms).kill_signal(SIGKILL));
  EXPECT_EQ(result.status().signal(), SIGKILL);
}

TEST_F(Sync, CutsOutputToExactlyTheLimit) {
  const auto result = spawn_sync("yes", {}, ExecOptions().max_buffer(1000));
  EXPECT_EQ(result.out().size(), 1000U);
  EXPECT_TRUE(result.killed() && result.truncated());
  ASSERT_NE(result.error(), nullptr);
  EXPECT_EQ(result.error()->name(), "ENOBUFS");
}

TEST_F(Sync, CollectsFurtherPipesWhoseInputIsAtItsEnd) {
  const auto process =
      SpawnOptions().stdio(0, Stdio::ignore()).stdio(3, Stdio::pipe()).stdio(4, Stdio::ignore());
  const auto result = spawn_sync("/bin/sh", {"-c", "cat <&3; echo three >&3"}, ExecOptions(process));
  EXPECT_EQ(result.output(3), "three\n");
  EXPECT_EQ(result.output(1), "");
  EXPECT_EQ(result.output(4), std::nullopt);
}

TEST_F(Sync, LeavesStreamsAloneThatAreNotPipes) {
  spawner::test::Pipe pipe;
  const auto process = SpawnOptions().stdio(0, Stdio::ignore()).pass(pipe.write.get(), 1);
  const auto result = exec_sync("echo elsewhere; echo here >&2", ExecOptions(process));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out(), "");
  EXPECT_EQ(result->err(), "here\n");
  pipe.write.reset();
  EXPECT_EQ(spawner::test::read_all(pipe.read), "elsewhere\n");
}

TEST_F(Sync, RunsACommandLineByTheShell) {
  const auto result = exec_sync("echo $((6 * 7)) | cat");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out(), "42\n");
  EXPECT_EQ(exec_sync("no-such-command-anywhere")->status().code(), 127);
}

TEST_F(Sync, RunsAFileWithItsArgumentsAsTheyAre) {
  EXPECT_EQ(exec_file_sync("printf", {"%s|", "$HOME", "*"})->out(), "$HOME|*|");
  const auto missing = exec_file_sync("/nowhere/program");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().name(), "ENOENT");
}

TEST_F(Sync, MayBeUsedInsideACallbackOfALoopAndDisturbsNothingThere) {
  Loop loop;
  std::string text;
  auto child = spawn(loop, "echo", {"outer"});
  child.stdout_stream().on_data([&](std::string_view bytes) {
    text += bytes;
    text += spawn_sync("echo", {"inner"}).out();
  });
  loop.run();
  EXPECT_EQ(text, "outer\ninner\n");
  EXPECT_TRUE(child.status()->success());
}

TEST_F(Sync, TellsWhatTheDeadProgramUsed) {
  const auto result = exec_sync("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
  ASSERT_TRUE(result);
  const ResourceUsage& usage = result->status().usage();
  EXPECT_GT((usage.user_time() + usage.system_time()).count(), 0);
  EXPECT_GT(usage.peak_memory(), 100'000U);
}

TEST_F(Sync, ThrowsForMisuse) {
  EXPECT_THROW((void)spawn_sync("true", {"argument"}, ExecOptions().shell()), std::logic_error);
}

}  // namespace
}  // namespace baton
