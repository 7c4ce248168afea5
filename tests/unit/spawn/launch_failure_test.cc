#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

#include "support.h"
#include "support/refuse_call.h"

namespace baton::spawner::test {
namespace {

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(LaunchFailure, NamesTheMissingFile) {
  EXPECT_EQ(failure_of(make_plan("/no/such/file", {}, {})),
            "spawn /no/such/file: execve /no/such/file: no such file or directory");
  EXPECT_EQ(failure_of(make_plan("", {}, {})), "spawn : execve : no such file or directory");
}

TEST(LaunchFailure, KeepsTheErrnoAndTheStepApart) {
  auto child = launch(make_plan("/bin/true", {}, SpawnOptions().cwd("/no/such")));
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(child.error().operation(), "spawn /bin/true");
  EXPECT_EQ(child.error().step(), "chdir /no/such");
}

TEST(LaunchFailure, TellsAMissingDirectoryFromAMissingFile) {
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions().cwd("/dev/null"))),
            "spawn /bin/true: chdir /dev/null: not a directory");
}

TEST(LaunchFailure, TellsAMissingInterpreterFromAMissingFile) {
  const Folder folder;
  const std::string path = folder.file("script", "#! /no/such -x\n");
  EXPECT_EQ(failure_of(make_plan(path, {}, {})),
            "spawn " + path + ": execve " + path + " (interpreter /no/such): no such file or directory");
  EXPECT_EQ(failure_of(make_plan("./script", {}, SpawnOptions().cwd(folder.path()))),
            "spawn ./script: execve ./script (interpreter /no/such): no such file or directory");
  EXPECT_EQ(failure_of(make_plan("script", {}, SpawnOptions().add_env("PATH", folder.path()))),
            "spawn script: execve " + path + " (interpreter /no/such): no such file or directory");
}

TEST(LaunchFailure, NamesAnInterpreterThatMayNotBeExecuted) {
  const Folder folder;
  const std::string interpreter = folder.file("interpreter", "", 0644);
  const std::string path = folder.file("script", "#!" + interpreter + "\n");
  EXPECT_EQ(failure_of(make_plan(path, {}, {})),
            "spawn " + path + ": execve " + path + " (interpreter " + interpreter + "): permission denied");
}

TEST(LaunchFailure, NamesTheMissingLoaderOfAProgram) {
  std::ifstream original("/bin/true", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(original)), {});
  const size_t at = bytes.find("/ld-linux");
  if (at == std::string::npos) GTEST_SKIP() << "/bin/true has no loader";
  bytes.replace(at, 9, "/ld-absent", 9);
  const Folder folder;
  const std::string path = folder.file("program", bytes);
  const std::string text = failure_of(make_plan(path, {}, {}));
  EXPECT_NE(text.find("(interpreter /lib"), std::string::npos) << text;
  EXPECT_NE(text.find("/ld-absen"), std::string::npos) << text;
}

TEST(LaunchFailure, NamesAFileThatIsNotExecutable) {
  const Folder folder;
  const std::string path = folder.file("text", "echo hi\n", 0644);
  EXPECT_EQ(failure_of(make_plan(path, {}, {})),
            "spawn " + path + ": execve " + path + ": permission denied");
  EXPECT_EQ(failure_of(make_plan(folder.path(), {}, {})),
            "spawn " + folder.path() + ": execve " + folder.path() + ": permission denied");
}

TEST(LaunchFailure, PassesOnArgumentsThatAreTooLong) {
  EXPECT_EQ(failure_of(make_plan("/bin/true", {std::string(200'000, 'x')}, {})),
            "spawn /bin/true: execve /bin/true: argument list too long");
}

TEST(LaunchFailure, RefusesWhatNoProgramCanBeGiven) {
  using namespace std::string_literals;
  EXPECT_EQ(failure_of(make_plan("a\0b"s, {}, {})),
            "spawn a: the file name contains a NUL byte: invalid argument");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {"x", "a\0b"s}, {})),
            "spawn /bin/true: argument 2 contains a NUL byte: invalid argument");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions().cwd("/\0"s))),
            "spawn /bin/true: the working directory contains a NUL byte: invalid argument");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions().add_env("", "x"))),
            "spawn /bin/true: a variable of the environment has an empty name: invalid argument");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions().add_env("A=B", "x"))),
            "spawn /bin/true: the name of the environment variable A=B contains '=': invalid argument");
  EXPECT_EQ(
      failure_of(make_plan("/bin/true", {}, SpawnOptions().pid_variable("A=B"))),
      "spawn /bin/true: the name of the variable for the process id contains a NUL byte or '=': invalid "
      "argument");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions().add_env("A", "x\0y"s))),
            "spawn /bin/true: the environment variable A contains a NUL byte: invalid argument");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions().uid(static_cast<uid_t>(-1)))),
            "spawn /bin/true: user id -1: invalid argument");
  auto plan = make_plan("/bin/true", {}, {});
  plan.descriptors = {{0, 3}, {1, 3}};
  EXPECT_EQ(failure_of(plan), "spawn /bin/true: descriptor 3 is given twice: invalid argument");
}

TEST(LaunchFailure, LeavesNoZombieAndNoDescriptor) {
  const size_t before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    EXPECT_NE(failure_of(make_plan("/no/such", {}, {})), "");
    EXPECT_NE(failure_of(make_plan("/bin/true", {}, SpawnOptions().cwd("/no/such"))), "");
  }
  EXPECT_FALSE(has_children());
  EXPECT_EQ(open_descriptors(), before);
}

// --- kernels and containers without close_range, or without its flag

int leaks_without_close_range(int error, bool only_with_flags, const SpawnOptions& options = {}) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int open_on_exec = ::open("/dev/null", O_RDONLY);
    if (open_on_exec < 0 || !baton::test::refuse_call(SYS_close_range, error, only_with_flags)) ::_exit(99);
    const Outcome outcome = run(shell(list_descriptors, options));
    const bool exact = outcome.output == "0 1 2 " && outcome.status.success();
    ::_exit(exact ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(LaunchOnOldSystems, LeaksNothingWithoutTheFlagOfCloseRange) {
  EXPECT_EQ(leaks_without_close_range(EINVAL, true), 0);
}

TEST(LaunchOnOldSystems, LeaksNothingWithoutCloseRange) {
  EXPECT_EQ(leaks_without_close_range(ENOSYS, false), 0);
  EXPECT_EQ(leaks_without_close_range(EPERM, false), 0);
}

TEST(LaunchOnOldSystems, LeaksNothingToAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto nobody = SpawnOptions().uid(65534).gid(65534);
  EXPECT_EQ(leaks_without_close_range(EINVAL, true, nobody), 0);
  EXPECT_EQ(leaks_without_close_range(ENOSYS, false, nobody), 0);
}

TEST(LaunchOnOldSystems, HearsWhatFailsAfterTheOthersWereClosed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const pid_t pid = ::fork();
  if (pid == 0) {
    // Without the flag they are closed long before the program begins.
    if (!baton::test::refuse_call(SYS_close_range, EINVAL, true)) ::_exit(99);
    const auto text = failure_of(make_plan("/no/such", {}, SpawnOptions().uid(65534).gid(65534)));
    ::_exit(text == "spawn /no/such: execve /no/such: no such file or directory" ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(LaunchOnOldSystems, FailsRatherThanLeaking) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!baton::test::refuse_call(SYS_close_range, EIO)) ::_exit(99);
    ::_exit(failure_of(make_plan("/bin/true", {}, {})) == "spawn /bin/true: close_range: input/output error"
                ? 0
                : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace baton::spawner::test
