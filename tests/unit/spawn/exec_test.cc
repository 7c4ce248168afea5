#include "baton/spawn/exec.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "baton/loop/task.h"
#include "baton/spawn/child.h"
#include "baton/spawn/sync.h"
#include "spawn/abandoned.h"
#include "support/leak_check.h"
#include "support/refuse_call.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

class Exec : public test::LeakFree {
 protected:
  ExecResult result_of(Op<ExecResult> op) {
    std::optional<ExecResult> result;
    std::move(op).then([&](Result<ExecResult> outcome) {
      if (outcome) {
        result = std::move(*outcome);
      } else {
        ADD_FAILURE() << outcome.error().what();
      }
    });
    EXPECT_FALSE(result);
    loop_.run();
    EXPECT_TRUE(result);
    return result.value_or(ExecResult());
  }

  Loop loop_;
};

TEST_F(Exec, CollectsBothOutputsAndTheExitCode) {
  const auto result = result_of(exec(loop_, "echo out; echo err >&2; exit 3"));
  EXPECT_EQ(result.out(), "out\n");
  EXPECT_EQ(result.err(), "err\n");
  EXPECT_EQ(result.status().code(), 3);
  EXPECT_FALSE(result.success() || result.killed() || result.timed_out() || result.truncated());
  EXPECT_EQ(result.describe(), "exit code 3");
}

TEST_F(Exec, CanBeAwaited) {
  std::string text;
  start(loop_, [](Loop& on, std::string& told) -> Task<> {
    const auto result = co_await exec(on, "echo $NAME", ExecOptions().add_env("NAME", "value"));
    told = result.out();
    try {
      co_await exec_file(on, "/nowhere");
    } catch (const Error& error) {
      told += error.what();
    }
  }(loop_, text));
  loop_.run();
  EXPECT_EQ(text, "value\nspawn /nowhere: execve /nowhere: no such file or directory");
}

TEST_F(Exec, TakesTheArgumentsOfAFileOneByOne) {
  const std::string word = "two words";
  EXPECT_EQ(result_of(exec_file(loop_, "printf", "%s.%s.", "one", word)).out(), "one.two words.");
}

TEST_F(Exec, NamesWhatWasWaitedForTooLong) {
  std::string said;
  exec_file(loop_, "sleep", "0.02").within(1ms).then([&](Result<ExecResult> outcome) {
    said = outcome ? "it ended" : outcome.error().what();
  });
  loop_.run();
  EXPECT_EQ(said, "exec sleep: timed out");
}

TEST_F(Exec, TellsAMissingCommandOfTheShellByItsCode) {
  EXPECT_EQ(result_of(exec(loop_, "no-such-command-anywhere")).status().code(), 127);
}

TEST_F(Exec, TakesNoPartOfTheCommandForAnOption) {
  EXPECT_EQ(result_of(exec(loop_, "-e")).status().code(), 127);
}

TEST_F(Exec, PassesArgumentsOfAFileAsTheyAre) {
  const auto result = result_of(exec_file(loop_, "printf", {"%s|", "a b", "$HOME", "", "*"}));
  EXPECT_EQ(result.out(), "a b|$HOME||*|");
}

TEST_F(Exec, GivesTheCommandItsInputOrNone) {
  EXPECT_EQ(result_of(exec_file(loop_, "cat")).out(), "");
  const std::string input(300'000, 'x');
  EXPECT_EQ(result_of(exec_file(loop_, "cat", {}, ExecOptions().input(input))).out(), input);
  EXPECT_TRUE(result_of(exec_file(loop_, "true", {}, ExecOptions().input(input))).success());
}

TEST_F(Exec, CutsOutputToExactlyTheLimitAndEndsTheCommand) {
  const auto result = result_of(exec_file(loop_, "yes"));
  EXPECT_EQ(result.out().size(), size_t{1} << 20);
  EXPECT_TRUE(result.truncated());
  EXPECT_TRUE(result.killed());
  EXPECT_FALSE(result.timed_out());
  EXPECT_TRUE(result.status().signal() == SIGTERM || result.status().signal() == SIGPIPE ||
              result.status().code() == 1)
      << result.describe();
  EXPECT_NE(result.describe().find("ERR_CHILD_PROCESS_STDIO_MAXBUFFER"), std::string::npos);
}

TEST_F(Exec, LimitsEachOutputByItself) {
  const auto full = result_of(exec(loop_, "printf 12345; printf 67890 >&2", ExecOptions().max_buffer(5)));
  EXPECT_TRUE(full.success());
  EXPECT_EQ(full.out() + full.err(), "1234567890");
  const auto over = result_of(exec(loop_, "printf 123456 >&2; exec cat", ExecOptions().max_buffer(5)));
  EXPECT_TRUE(over.truncated());
  EXPECT_EQ(over.err(), "12345");
}

TEST_F(Exec, EndsTheCommandWhenItsTimeIsUp) {
  const auto by_default = result_of(exec_file(loop_, "sleep", {"1000"}, ExecOptions().timeout(1ms)));
  EXPECT_TRUE(by_default.timed_out() && by_default.killed());
  EXPECT_EQ(by_default.status().signal(), SIGTERM);
  EXPECT_EQ(by_default.describe(), "killed by SIGTERM: the time was up");
  const auto by_choice =
      result_of(exec_file(loop_, "sleep", {"1000"}, ExecOptions().timeout(1ms).kill_signal(SIGKILL)));
  EXPECT_EQ(by_choice.status().signal(), SIGKILL);
  EXPECT_TRUE(result_of(exec(loop_, "true", ExecOptions().timeout(1h))).success());
}

TEST_F(Exec, IsNotHeldBeyondItsTimeByADescendantWithItsOutput) {
  spawner::test::Pipe life;
  auto process = SpawnOptions().pass(life.read.get(), 3);
  const auto result =
      result_of(exec(loop_, "echo text; cat <&3 & exit 0", ExecOptions(process).timeout(100ms)));
  EXPECT_TRUE(result.timed_out());
  EXPECT_FALSE(result.success());
}

TEST_F(Exec, GoesOnWhenNobodyWaitsForTheResult) {
  const spawner::test::Folder folder;
  {
    const auto dropped =
        exec(loop_, "read line; echo $line >done", ExecOptions().cwd(folder.path()).input("text\n"));
  }
  loop_.run();
  std::ostringstream text;
  text << std::ifstream(folder.path() + "/done").rdbuf();
  EXPECT_EQ(text.str(), "text\n");
}

TEST_F(Exec, FailsWithTheErrorOfItsSpawn) {
  std::string text;
  exec(loop_, "true", ExecOptions().cwd("/nowhere")).then([&](Result<ExecResult> outcome) {
    text = outcome ? "no failure" : outcome.error().what();
  });
  loop_.run();
  EXPECT_EQ(text, "spawn /bin/sh: chdir /nowhere: no such file or directory");
}

TEST_F(Exec, IsKilledWithItsLoop) {
  {
    Loop short_lived;
    const auto op = exec_file(short_lived, "sleep", {"1000"});
  }
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  spawner::reap_abandoned();
}

// Node's child-process-exec-kill-throws. In a process of its own, which the kernel refuses every signal.
TEST(ExecRefused, FailsAtOnceWithTheErrorOfItsKillAndWaitsForNobody) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(60);
    if (!test::refuse_call(SYS_pidfd_send_signal, EPERM)) ::_exit(99);
    pid_t sleeper = 0;
    const auto options = ExecOptions().timeout(10ms).on_child([&](Child& child) { sleeper = child.pid(); });
    const auto result = exec_sync("exec sleep 1000", options);
    const bool refused = !result && result.error().code() == std::errc::operation_not_permitted;
    const bool lives_on = ::kill(sleeper, SIGKILL) == 0;
    ::_exit(refused && lives_on ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace baton
