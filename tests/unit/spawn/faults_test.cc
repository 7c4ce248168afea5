// What can go wrong with a child, a test for each; where Node and Baton part, the test says so.

#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <optional>

#include "baton/loop/signal.h"
#include "baton/spawn/child.h"
#include "baton/spawn/sync.h"
#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Arguments = std::vector<std::string>;

class SpawnFault : public test::LeakFree {
 protected:
  /// The error of a spawn that must fail; it leaves nothing behind, which the fixture looks at.
  std::optional<Error> error_of(const std::string& file, const Arguments& arguments = {},
                                const SpawnOptions& options = SpawnOptions()) {
    std::optional<Error> error;
    try {
      (void)spawn(loop_, file, arguments, options);
      ADD_FAILURE() << file << " runs";
    } catch (const Error& caught) {
      error = caught;
    }
    EXPECT_TRUE(error);
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1) << "a zombie";
    EXPECT_EQ(errno, ECHILD);
    return error;
  }
  void expect_error(const std::optional<Error>& error, const std::string& name, const std::string& text) {
    ASSERT_TRUE(error);
    EXPECT_EQ(error->name(), name);
    EXPECT_EQ(std::string(error->what()), text);
  }

  Loop loop_;
  spawner::test::Folder folder_;
};

TEST_F(SpawnFault, AMissingFileIsNamed) {
  expect_error(error_of("/no/such/file"), "ENOENT",
               "spawn /no/such/file: execve /no/such/file: no such file or directory");
}

TEST_F(SpawnFault, AFileThatIsMissingInThePathIsNamedWithThePath) {
  expect_error(error_of("no-such-command", {}, SpawnOptions().add_env("PATH", "/bin:/usr/bin")), "ENOENT",
               "spawn no-such-command: execve no-such-command (searched in /bin:/usr/bin): no such file or "
               "directory");
}

TEST_F(SpawnFault, AMissingInterpreterIsNamedAndNotItsScript) {
  const std::string script = folder_.file("script", "#!/no/such/interpreter\n");
  expect_error(error_of(script), "ENOENT",
               "spawn " + script + ": execve " + script +
                   " (interpreter /no/such/interpreter): no such file or directory");
}

TEST_F(SpawnFault, AMissingDirectoryIsNamedAndNotTheFile) {
  const auto error = error_of("true", {}, SpawnOptions().cwd("/no/such/folder"));
  expect_error(error, "ENOENT", "spawn true: chdir /no/such/folder: no such file or directory");
  EXPECT_EQ(error->call(), "chdir");
}

TEST_F(SpawnFault, AFileThatIsNotExecutableIsNamed) {
  const std::string text = folder_.file("text", "echo text\n", 0644);
  expect_error(error_of(text), "EACCES", "spawn " + text + ": execve " + text + ": permission denied");
}

TEST_F(SpawnFault, AFolderIsNoProgram) {
  expect_error(error_of(folder_.path()), "EACCES",
               "spawn " + folder_.path() + ": execve " + folder_.path() + ": permission denied");
}

TEST_F(SpawnFault, ADirectoryThatIsAFileIsNamed) {
  const std::string file = folder_.file("file", "");
  expect_error(error_of("true", {}, SpawnOptions().cwd(file)), "ENOTDIR",
               "spawn true: chdir " + file + ": not a directory");
}

TEST_F(SpawnFault, AnArgumentBeyond128KiBIsTooLong) {
  expect_error(error_of("/bin/true", {std::string(size_t{128} << 10, 'x')}), "E2BIG",
               "spawn /bin/true: execve /bin/true: argument list too long");
}

TEST_F(SpawnFault, ArgumentsBeyondTheLimitOfAllAreTooLong) {
  rlimit stack{};
  ::getrlimit(RLIMIT_STACK, &stack);
  // The kernel takes a quarter of the stack's limit and 6 MiB at most.
  const Arguments many(100, std::string(100'000, 'x'));
  expect_error(error_of("/bin/true", many), "E2BIG",
               "spawn /bin/true: execve /bin/true: argument list too long");
}

TEST_F(SpawnFault, ADescriptorThatIsNotOpenIsNamed) {
  expect_error(error_of("true", {}, SpawnOptions().pass(999, 1)), "EBADF",
               "spawn true: dup 999 as descriptor 1: bad file descriptor");
}

TEST_F(SpawnFault, ATextWithoutInterpreterIsRunByTheShell) {
  const std::string text = folder_.file("text", "echo $0 $1\nexit 3\n");
  const auto result = spawn_sync(text, {"argument"});
  EXPECT_EQ(result.error(), nullptr) << "no ENOEXEC, as with execvp(3)";
  EXPECT_EQ(result.out(), text + " argument\n");
  EXPECT_EQ(result.status().code(), 3);
}

TEST_F(SpawnFault, ANulByteAnywhereIsRefusedBeforeAnyProcessIs) {
  expect_error(error_of("true\0x"s), "EINVAL",
               "spawn true: the file name contains a NUL byte: invalid argument");
  expect_error(error_of("true", {"a\0b"s}), "EINVAL",
               "spawn true: argument 1 contains a NUL byte: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().arg0("a\0b"s)), "EINVAL",
               "spawn true: argument 0 contains a NUL byte: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().cwd("/\0"s)), "EINVAL",
               "spawn true: the working directory contains a NUL byte: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().add_env("A", "a\0b"s)), "EINVAL",
               "spawn true: the environment variable A contains a NUL byte: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().add_env("A\0B"s, "b")), "EINVAL",
               "spawn true: the environment variable A contains a NUL byte in its name: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().shell("/bin/sh\0"s)), "EINVAL",
               "spawn /bin/sh: the file name contains a NUL byte: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().cgroup("/\0"s)), "EINVAL",
               "spawn true: the name of the cgroup contains a NUL byte: invalid argument");
}

// Node takes both, and the child gets an entry that nobody can read back.
TEST_F(SpawnFault, AVariableWithoutNameOrWithAnEqualsSignInItIsRefused) {
  expect_error(error_of("true", {}, SpawnOptions().add_env("", "x")), "EINVAL",
               "spawn true: a variable of the environment has an empty name: invalid argument");
  expect_error(error_of("true", {}, SpawnOptions().add_env("A=B", "x")), "EINVAL",
               "spawn true: the name of the environment variable A=B contains '=': invalid argument");
}

TEST_F(SpawnFault, AnEnvironmentWithoutPathIsSearchedInTheDefaultPath) {
  EXPECT_EQ(spawn_sync("echo", {"found"}, ExecOptions().env(Environment())).out(), "found\n");
}

TEST_F(SpawnFault, AUserThatMayNotBeIsNeverReplacedByAnother) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  spawner::test::Pipe told;
  const pid_t nobody = ::fork();
  if (nobody == 0) {
    const bool ready = ::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0;
    std::string text = ready ? "" : "not ready ";
    for (const auto& options : {SpawnOptions().uid(0), SpawnOptions().gid(0)}) {
      const auto result = spawn_sync("sh", {"-c", "id"}, ExecOptions(options));
      text += result.error() == nullptr ? "ran: " + result.out() : result.error()->what() + "\n"s;
    }
    ::_exit(::write(told.write.get(), text.data(), text.size()) > 0 ? 0 : 1);
  }
  told.write.reset();
  EXPECT_EQ(spawner::test::read_all(told.read),
            "spawn sh: setgroups: operation not permitted\nspawn sh: setgroups: operation not permitted\n");
  ::waitpid(nobody, nullptr, 0);
}

TEST_F(SpawnFault, AnExitCodeIsCutToEightBits) { EXPECT_EQ(exec_sync("exit 300")->status().code(), 44); }

TEST_F(SpawnFault, ADeathBySignalIsThatSignalAndNoCode) {
  const auto result = exec_sync("kill -SEGV $$");
  EXPECT_EQ(result->status().signal(), SIGSEGV);
  EXPECT_EQ(result->status().code(), std::nullopt);
}

TEST_F(SpawnFault, ATimeoutEndsASpawnedChildByTheKillSignal) {
  auto child = spawn(loop_, "sleep", {"1000"}, SpawnOptions().timeout(1ms).kill_signal(SIGUSR1));
  loop_.run();
  EXPECT_EQ(child.status()->signal(), SIGUSR1);
  EXPECT_EQ(child.status()->code(), std::nullopt);
  EXPECT_TRUE(child.killed() && child.timed_out());
}

TEST_F(SpawnFault, ATimeoutOfExecSaysThatItKilled) {
  std::optional<ExecResult> result;
  exec(loop_, "exec sleep 1000", ExecOptions().timeout(1ms)).then([&](Result<ExecResult> outcome) {
    result = std::move(*outcome);
  });
  loop_.run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->killed() && result->timed_out());
  EXPECT_EQ(result->status().code(), std::nullopt);
  EXPECT_EQ(result->status().signal(), SIGTERM);
}

TEST_F(SpawnFault, OutputBeyondMaxBufferIsCutToExactlyThat) {
  const auto options = ExecOptions().max_buffer(1000);
  std::optional<ExecResult> result;
  exec(loop_, "yes", options).then([&](Result<ExecResult> outcome) { result = std::move(*outcome); });
  loop_.run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out().size(), 1000U);
  EXPECT_TRUE(result->truncated() && result->killed());
  // Node's synchronous form gives up to 64 KiB.
  EXPECT_EQ(exec_sync("yes", options)->out().size(), 1000U);
}

TEST_F(SpawnFault, AGrandchildThatHoldsAPipeDelaysTheCloseAndNotTheExit) {
  std::vector<std::string> order;
  auto child =
      spawn(loop_, "/bin/sh", {"-c", "cat <&3 >&3 2>&3 & exit 3"}, SpawnOptions().stdio(3, Stdio::pipe()));
  child.stream(3).on_data([&](std::string_view bytes) { order.emplace_back(bytes); });
  child.on_exit([&](const ExitStatus& status) {
    order.push_back("exit " + std::to_string(*status.code()));
    child.stream(3).write("late");
    child.stream(3).end();
  });
  child.on_close([&](const ExitStatus&) { order.emplace_back("close"); });
  loop_.run();
  EXPECT_EQ(order, (std::vector<std::string>{"exit 3", "late", "close"}));
}

// Node waits for ever.
TEST_F(SpawnFault, AGrandchildThatHoldsAPipeDelaysTheCloseNoLongerThanItMay) {
  spawner::test::Pipe life;
  std::vector<std::string> order;
  auto child = spawn(loop_, "/bin/sh", {"-c", "cat <&9 & echo text; exit 3"},
                     SpawnOptions().pass(life.read.get(), 9).close_grace(20ms));
  child.stdout_stream().on_data([&](std::string_view bytes) { order.emplace_back(bytes); });
  child.on_close([&](const ExitStatus& status) {
    order.push_back("close " + std::to_string(*status.code()));
    life.write.reset();
  });
  loop_.run();
  EXPECT_EQ(order, (std::vector<std::string>{"text\n", "close 3"}));
}

TEST_F(SpawnFault, ASignalAfterTheEndIsSentToNobody) {
  auto child = spawn(loop_, "true");
  loop_.run();
  EXPECT_FALSE(child.kill());
  EXPECT_FALSE(child.kill(0));
  EXPECT_FALSE(child.killed());
  child.stop();
}

// --- what is promised beyond that table

TEST_F(SpawnFault, AChildThatEndsWhileAnotherIsSpawnedIsNotLost) {
  int ended = 0;
  std::vector<Child> children;
  for (int i = 0; i < 100; ++i) {
    children.push_back(spawn(loop_, "true", {}, SpawnOptions().stdio(Stdio::ignore())));
    children.back().on_exit([&](const ExitStatus& status) { ended += status.success() ? 1 : 0; });
  }
  loop_.run();
  EXPECT_EQ(ended, 100);
}

TEST_F(SpawnFault, ASignalToThisProcessDuringASpawnIsHandledHereAndNotInTheChild) {
  int caught = 0;
  const SignalWatcher watcher(loop_, SIGUSR2, [&](int) { ++caught; });
  std::vector<Child> children;
  for (int i = 0; i < 50; ++i) {
    ::kill(::getpid(), SIGUSR2);
    children.push_back(spawn(loop_, "true", {}, SpawnOptions().stdio(Stdio::ignore())));
  }
  loop_.run();
  for (const Child& child : children) EXPECT_TRUE(child.status()->success());
  EXPECT_GT(caught, 0);
}

TEST_F(SpawnFault, AStatusThatSomebodyElseCollectedIsTheUnknownOne) {
  auto child = spawn(loop_, "true");
  ASSERT_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());
  loop_.run();
  EXPECT_FALSE(child.status()->code() || child.status()->signal());
}

TEST_F(SpawnFault, AtTheDescriptorLimitItFailsAndLeaksNothing) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const Fd highest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit none{static_cast<rlim_t>(highest.get()) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto error = error_of("true");
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->name(), "EMFILE");
}

TEST_F(SpawnFault, AtTheProcessLimitItFailsByCloneAndLeaksNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody who has a limit";
  spawner::test::Pipe told;
  const pid_t limited = ::fork();
  if (limited == 0) {
    const rlimit one{1, 1};
    const bool ready = ::setresgid(65500, 65500, 65500) == 0 && ::setresuid(65500, 65500, 65500) == 0 &&
                       ::setrlimit(RLIMIT_NPROC, &one) == 0;
    const auto result = spawn_sync("true");
    const std::string text = !ready                      ? "not ready"
                             : result.error() == nullptr ? "ran"
                                                         : result.error()->what();
    ::_exit(::write(told.write.get(), text.data(), text.size()) > 0 ? 0 : 1);
  }
  told.write.reset();
  EXPECT_EQ(spawner::test::read_all(told.read), "spawn true: clone: resource temporarily unavailable");
  ::waitpid(limited, nullptr, 0);
}

TEST_F(SpawnFault, StandardStreamsThatAreClosedHereAreNoTrapForTheChild) {
  spawner::test::Pipe told;
  const pid_t bare = ::fork();
  if (bare == 0) {
    for (const int standard : {0, 1, 2}) ::close(standard);
    const auto result = spawn_sync("cat", {}, ExecOptions().input("through"));
    ::_exit(::write(told.write.get(), result.out().data(), result.out().size()) > 0 ? 0 : 1);
  }
  told.write.reset();
  EXPECT_EQ(spawner::test::read_all(told.read), "through");
  ::waitpid(bare, nullptr, 0);
}

TEST_F(SpawnFault, WritingToAChildThatIsGoneIsAnErrorAndNoDeath) {
  auto child = spawn(loop_, "true");
  std::string text;
  child.on_exit([&](const ExitStatus&) {
    child.stdin_stream().on_error([&](const Error& error) { text = error.name(); });
    child.stdin_stream().write(std::string(1 << 20, 'x'));
  });
  loop_.run();
  EXPECT_TRUE(text == "EPIPE" || text == "ECONNRESET") << text;
}

}  // namespace
}  // namespace baton
