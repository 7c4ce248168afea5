// Options and properties that Node's ChildProcess has, as far as child_test.cc and exec_test.cc do not have
// them.

#include <stop_token>

#include "baton/spawn/child.h"
#include "baton/spawn/exec.h"
#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

class OptionsTest : public test::LeakFree {
 protected:
  std::string output_of(Child child) {
    std::string text;
    child.stdout_stream().on_data([&](std::string_view bytes) { text += bytes; });
    loop_.run();
    return text;
  }
  ExecResult result_of(Op<ExecResult> op) {
    std::optional<ExecResult> result;
    std::move(op).then([&](Result<ExecResult> outcome) { result = std::move(*outcome); });
    loop_.run();
    EXPECT_TRUE(result);
    return result.value_or(ExecResult());
  }
  Loop loop_;
};

// --- shell

TEST_F(OptionsTest, AShellTakesACommandLine) {
  EXPECT_EQ(output_of(spawn(loop_, "echo one | tr o 0", {}, SpawnOptions().shell())), "0ne\n");
  EXPECT_EQ(output_of(spawn(loop_, "-e", {}, SpawnOptions().shell())), "") << "and no option";
}

TEST_F(OptionsTest, AShellMayBeAnother) {
  const spawner::test::Folder folder;
  const std::string shell = folder.file("shell", "#!/bin/sh\necho \"$@\"\n");
  EXPECT_EQ(output_of(spawn(loop_, "the command", {}, SpawnOptions().shell(shell))), "-c -- the command\n");
  EXPECT_EQ(result_of(exec(loop_, "the command", ExecOptions().shell(shell))).out(), "-c -- the command\n");
  EXPECT_EQ(result_of(exec_file(loop_, "echo $((1+1))", {}, ExecOptions().shell())).out(), "2\n");
}

TEST_F(OptionsTest, AShellTakesNoArgumentsBesideTheCommandLine) {
  EXPECT_THROW((void)spawn(loop_, "echo", {"a; rm"}, SpawnOptions().shell()), std::logic_error);
}

// --- what is known of a child

TEST_F(OptionsTest, AChildKnowsItsFileAndItsArguments) {
  auto child = spawn(loop_, "true", {"a", "b"}, SpawnOptions().arg0("name"));
  EXPECT_EQ(child.file(), "true");
  EXPECT_EQ(child.arguments(), (std::vector<std::string>{"name", "a", "b"}));
  auto by_shell = spawn(loop_, "exit 0", {}, SpawnOptions().shell());
  EXPECT_EQ(by_shell.file(), "/bin/sh");
  EXPECT_EQ(by_shell.arguments(), (std::vector<std::string>{"/bin/sh", "-c", "--", "exit 0"}));
  loop_.run();
}

// --- stop tokens

TEST_F(OptionsTest, AStopTokenKillsTheChild) {
  std::stop_source source;
  auto child = spawn(loop_, "sleep", {"1000"}, SpawnOptions().kill_on(source.get_token()));
  loop_.defer([&] { source.request_stop(); });
  loop_.run();
  EXPECT_TRUE(child.cancelled() && child.killed());
  EXPECT_FALSE(child.timed_out());
  EXPECT_EQ(child.status()->signal(), SIGTERM);
}

TEST_F(OptionsTest, AStopTokenThatWasStoppedBeforeKillsTheChildAtOnce) {
  std::stop_source source;
  source.request_stop();
  auto child =
      spawn(loop_, "sleep", {"1000"}, SpawnOptions().kill_on(source.get_token()).kill_signal(SIGKILL));
  loop_.run();
  EXPECT_TRUE(child.cancelled());
  EXPECT_EQ(child.status()->signal(), SIGKILL);
}

TEST_F(OptionsTest, AStopTokenIsNothingToAChildThatHasEndedOrIsGone) {
  std::stop_source source;
  auto child = spawn(loop_, "true", {}, SpawnOptions().kill_on(source.get_token()));
  loop_.run();
  {
    const auto other = spawn(loop_, "true", {}, SpawnOptions().kill_on(source.get_token()));
  }
  source.request_stop();
  EXPECT_FALSE(child.cancelled() || child.killed());
  loop_.run();
  EXPECT_TRUE(child.status()->success());
}

TEST_F(OptionsTest, AStopTokenEndsACommandAndItsOutput) {
  std::stop_source source;
  spawner::test::Pipe life;
  auto process = SpawnOptions().stdio(0, Stdio::ignore()).pass(life.read.get(), 3);
  auto op = exec(loop_, "cat <&3 & echo text; wait", ExecOptions(process).kill_on(source.get_token()));
  const Timer soon(loop_, 20ms, [&] { source.request_stop(); });
  const auto result = result_of(std::move(op));
  EXPECT_TRUE(result.cancelled() && result.killed());
  EXPECT_FALSE(result.success() || result.timed_out());
  EXPECT_EQ(result.describe(), "killed by SIGTERM: cancelled");
}

TEST_F(OptionsTest, AStopTokenThatWasStoppedBeforeEndsACommandAtOnce) {
  std::stop_source source;
  source.request_stop();
  const auto result = result_of(
      exec(loop_, "while :; do sleep 0.01; done", ExecOptions(SpawnOptions()).kill_on(source.get_token())));
  EXPECT_TRUE(result.cancelled());
  EXPECT_EQ(result.describe(), "killed by SIGTERM: cancelled");
}

// --- stop policy

TEST_F(OptionsTest, AChildIsAskedToStopByASignalOfChoice) {
  auto child = spawn(loop_, "/bin/sh", {"-c", "trap 'exit 5' INT; echo ready; while :; do sleep 0.01; done"},
                     SpawnOptions().stop_signal(SIGINT));
  child.stdout_stream().on_data([&](std::string_view) { child.stop(); });
  loop_.run();
  EXPECT_EQ(child.status()->code(), 5);
  EXPECT_THROW(SpawnOptions().stop_signal(0), std::logic_error);
  EXPECT_THROW(SpawnOptions().parent_death_signal(-1), std::logic_error);
}

// --- a stream of ours as one of the child's

TEST_F(OptionsTest, TheOutputOfOneChildMayBeTheInputOfAnother) {
  auto first = spawn(loop_, "echo", {"piped"});
  auto second =
      spawn(loop_, "cat", {}, SpawnOptions().stdio(0, Stdio::stream(std::move(first.stdout_stream()))));
  EXPECT_EQ(output_of(std::move(second)), "piped\n");
  EXPECT_TRUE(first.status()->success());
}

TEST_F(OptionsTest, AStreamThatIsGivenAwayIsReadByItsWaitingReaderAlone) {
  auto source = spawn(loop_, "/bin/sh", {"-c", "sleep 0.05; seq 20000"});
  auto sink =
      spawn(loop_, "wc", {"-l"}, SpawnOptions().stdio(0, Stdio::stream(std::move(source.stdout_stream()))));
  EXPECT_EQ(output_of(std::move(sink)), "20000\n") << "it waits for its input, as programs expect";
}

TEST_F(OptionsTest, AStreamThatIsClosedCannotBeGivenAway) {
  net::Socket closed;
  EXPECT_THROW((void)Stdio::stream(std::move(closed)), Error);
}

// --- the child of a command

TEST_F(OptionsTest, ACommandsChildIsShownAndMayBeWrittenTo) {
  pid_t pid = 0;
  const auto process = SpawnOptions();
  const auto result =
      result_of(exec(loop_, "read line; echo $$ got $line", ExecOptions(process).on_child([&](Child& child) {
        pid = child.pid();
        child.stdin_stream().end("this\n");
      })));
  EXPECT_EQ(result.pid(), pid);
  EXPECT_EQ(result.out(), std::to_string(pid) + " got this\n");
}

TEST_F(OptionsTest, ACommandsChildMayBeSignalled) {
  Child* shown = nullptr;
  auto op =
      exec_file(loop_, "sleep", {"1000"}, ExecOptions().on_child([&](Child& child) { shown = &child; }));
  ASSERT_NE(shown, nullptr);
  shown->kill(SIGINT);
  EXPECT_EQ(result_of(std::move(op)).status().signal(), SIGINT);
}

TEST_F(OptionsTest, ACommandsFurtherPipesAreCollected) {
  const auto process = SpawnOptions().stdio(0, Stdio::ignore()).stdio(5, Stdio::pipe());
  const auto result = result_of(exec(loop_, "echo five >&5", ExecOptions(process)));
  EXPECT_EQ(result.output(5), "five\n");
  const auto over =
      result_of(exec(loop_, "echo fives >&5; exec sleep 1000", ExecOptions(process).max_buffer(5)));
  EXPECT_EQ(over.output(5), "fives");
  EXPECT_TRUE(over.describe().contains("descriptor 5 is longer than max_buffer")) << over.describe();
}

}  // namespace
}  // namespace baton
