// The program `run_command`, used as its users do: by its command line and the one line that it prints.

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <pwd.h>

#include "baton/wire/json.h"
#include "process/program.h"

namespace baton::test {
namespace {

using Words = std::vector<std::string>;

// What it says of a command line that it does not take.
Words complaint(const Words& arguments) {
  Program program(built("run_command"), arguments);
  EXPECT_EQ(program.end(), "exit 2");
  EXPECT_TRUE(program.output.rest().empty());
  return program.errors.rest();
}

class RunCommand : public testing::TestWithParam<bool> {
 protected:
  /// The object that it prints, in the form that the test is about.
  static Value result_of(Words arguments) {
    if (GetParam()) arguments.insert(arguments.begin(), "--sync");
    return printed_by(Program(built("run_command"), arguments));
  }
  /// The same on a kernel that refuses this system call with EAGAIN.
  static Value result_without(const std::string& call, const Words& arguments) {
    Words words = {"forbid", call, built("run_command")};
    if (GetParam()) words.emplace_back("--sync");
    words.insert(words.end(), arguments.begin(), arguments.end());
    // To look for leaks takes a clone, too.
    return printed_by(
        Program(built("peer"), words, StartOptions().variable("ASAN_OPTIONS", "detect_leaks=0")));
  }
  static Value printed_by(Program program) {
    const auto lines = program.output.rest();
    EXPECT_EQ(program.end(), "exit 0");
    EXPECT_TRUE(program.errors.rest().empty());
    EXPECT_EQ(lines.size(), 1U);
    if (lines.size() != 1) return {};
    auto value = wire::read_json(lines.front());
    EXPECT_TRUE(value) << lines.front();
    return value ? std::move(*value) : Value();
  }
  static void expect_error(const Value& result, const char* code, const char* syscall, const char* path,
                           const char* step) {
    const Value& error = result["error"];
    ASSERT_TRUE(error.is_object()) << to_json(result);
    EXPECT_EQ(
        to_json(error),
        to_json(
            Value::object().set("code", code).set("syscall", syscall).set("path", path).set("step", step)));
    EXPECT_TRUE(result["signal"].is_null());
    EXPECT_TRUE(result["code"].is_null());
  }
};

INSTANTIATE_TEST_SUITE_P(OnALoop, RunCommand, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Sync, RunCommand, testing::Values(true));

TEST_P(RunCommand, PrintsTheMembersInOneLine) {
  const Value result = result_of({"--", "sh", "-c", "echo out; echo err >&2; exit 3"});
  std::string names;
  for (const auto& [name, value] : result.members()) names += name + " ";
  EXPECT_EQ(names, "code signal killed stdout stderr error max_rss_kib user_ms system_ms ");
  EXPECT_EQ(result["code"].as_integer(), 3);
  EXPECT_TRUE(result["signal"].is_null());
  EXPECT_FALSE(result["killed"].as_boolean());
  EXPECT_EQ(result["stdout"].as_string(), "out\n");
  EXPECT_EQ(result["stderr"].as_string(), "err\n");
  EXPECT_TRUE(result["error"].is_null()) << "a code alone is no error";
  EXPECT_GT(result["max_rss_kib"].as_integer(), 100);
  EXPECT_GE(result["user_ms"].as_number() + result["system_ms"].as_number(), 0.0);
}

TEST_P(RunCommand, PassesArgumentsAsTheyAre) {
  EXPECT_EQ(
      result_of({"--", "printf", "%s|", "a b", "--timeout", "[x]", "", "$HOME", "--"})["stdout"].as_string(),
      "a b|--timeout|[x]||$HOME|--|");
  EXPECT_EQ(result_of({"echo", "-n", "without the mark"})["stdout"].as_string(), "without the mark");
}

TEST_P(RunCommand, GivesACommandLineToTheShell) {
  EXPECT_EQ(result_of({"--shell", "--", "echo $((6*7)) | cat"})["stdout"].as_string(), "42\n");
  EXPECT_EQ(result_of({"--shell", "--", "echo", "two", "words"})["stdout"].as_string(), "two words\n");
  EXPECT_EQ(result_of({"--shell", "--", "no-such-command"})["code"].as_integer(), 127);
}

TEST_P(RunCommand, TakesTheDirectoryAndTheEnvironment) {
  ::setenv("INHERITED", "yes", 1);
  const Value result = result_of({"--cwd", "/usr", "--env", "COLOUR=green=ish", "--env", "EMPTY=", "--", "sh",
                                  "-c", "pwd; echo $COLOUR [$EMPTY] $INHERITED"});
  EXPECT_EQ(result["stdout"].as_string(), "/usr\ngreen=ish [] yes\n");
}

TEST_P(RunCommand, EndsTheCommandWhenItsTimeIsUp) {
  const Value result = result_of({"--timeout", "20", "--", "sleep", "1000"});
  EXPECT_TRUE(result["killed"].as_boolean());
  EXPECT_EQ(result["signal"].as_string(), "SIGTERM");
  EXPECT_TRUE(result["code"].is_null());
  EXPECT_EQ(result["error"]["code"].as_string(), "ETIMEDOUT");
  const Value by_choice = result_of({"--timeout", "20", "--kill-signal", "kill", "--", "sleep", "1000"});
  EXPECT_EQ(by_choice["signal"].as_string(), "SIGKILL");
}

TEST_P(RunCommand, SaysWhichSignalEndedTheCommand) {
  const Value result = result_of({"--", "sh", "-c", "kill -USR1 $$"});
  EXPECT_EQ(result["signal"].as_string(), "SIGUSR1");
  EXPECT_FALSE(result["killed"].as_boolean());
  EXPECT_TRUE(result["error"].is_null());
}

TEST_P(RunCommand, CutsEachOutputToTheBuffer) {
  const Value result = result_of({"--max-buffer", "1000", "--", "yes"});
  EXPECT_EQ(result["stdout"].as_string().size(), 1000U);
  EXPECT_TRUE(result["killed"].as_boolean());
  EXPECT_EQ(result["error"]["code"].as_string(),
            GetParam() ? "ENOBUFS" : "ERR_CHILD_PROCESS_STDIO_MAXBUFFER");
  const Value full = result_of({"--max-buffer", "5", "--shell", "--", "printf 12345; printf 67890 >&2"});
  EXPECT_EQ(full["stdout"].as_string() + full["stderr"].as_string(), "1234567890");
  EXPECT_TRUE(full["error"].is_null());
}

TEST_P(RunCommand, ReadsItsInputFromAFile) {
  const std::string path = testing::TempDir() + "/run_command_input";
  std::ofstream(path) << "from a file\n";
  EXPECT_EQ(result_of({"--input", path, "--", "cat"})["stdout"].as_string(), "from a file\n");
  std::filesystem::remove(path);
  EXPECT_EQ(result_of({"--", "cat"})["stdout"].as_string(), "") << "else there is nothing to read";
}

TEST_P(RunCommand, ShowsBytesThatAreNoTextAsNodeDoes) {
  EXPECT_EQ(result_of({"--", "printf", "a\\377b"})["stdout"].as_string(),
            "a\xef\xbf\xbd"
            "b");
}

TEST_P(RunCommand, RunsAsAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const Value result =
      result_of({"--uid", "65534", "--gid", "65533", "--", "sh", "-c", "id -u; id -g; id -G"});
  EXPECT_EQ(result["stdout"].as_string(), "65534\n65533\n65533\n");
}

TEST_P(RunCommand, NamesTheStepThatFailed) {
  expect_error(result_of({"--", "/no/such/file"}), "ENOENT", "spawn /no/such/file", "/no/such/file",
               "execve");
  expect_error(result_of({"--", "no-such-command"}), "ENOENT", "spawn no-such-command", "no-such-command",
               "execve");
  expect_error(result_of({"--", "/"}), "EACCES", "spawn /", "/", "execve");
  expect_error(result_of({"--cwd", "/no/such", "--", "true"}), "ENOENT", "spawn true", "true", "chdir");
  expect_error(result_of({"--cwd", "/dev/null", "--", "true"}), "ENOTDIR", "spawn true", "true", "chdir");
  expect_error(result_of({"--cwd", "/no/such", "--shell", "--", "true"}), "ENOENT", "spawn /bin/sh",
               "/bin/sh", "chdir");
  expect_error(result_of({"--input", "/no/such", "--", "true"}), "ENOENT", "open", "/no/such", "open");
}

TEST_P(RunCommand, NamesTheStepThatAnOrdinaryUserMayNotTake) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become an ordinary user";
  // It runs itself: inside it is nobody in particular.
  Words inner = {built("run_command"), "--uid", "0", "--", "true"};
  if (GetParam()) inner.insert(inner.begin() + 1, "--sync");
  Words outer = {"--uid", "65534", "--gid", "65534", "--"};
  outer.insert(outer.end(), inner.begin(), inner.end());
  const Value result = result_of(outer);
  if (!result["error"].is_null()) GTEST_SKIP() << "others may not execute what is built here";
  const auto printed = wire::read_json(result["stdout"].as_string());
  ASSERT_TRUE(printed) << to_json(result);
  expect_error(*printed, "EPERM", "spawn true", "true", "setgroups");
}

TEST_P(RunCommand, NamesTheStepThatTheKernelRefuses) {
  expect_error(result_without("clone", {"--", "true"}), "EAGAIN", "spawn true", "true", "clone");
  if (::geteuid() != 0) GTEST_SKIP() << "the others need root";
  for (const char* call : {"setgroups", "setresgid", "setresuid"}) {
    expect_error(result_without(call, {"--uid", "65534", "--gid", "65534", "--", "true"}), "EAGAIN",
                 "spawn true", "true", call);
  }
}

// --- its command line

TEST(RunCommandLine, SaysInOneLineWhatIsWrong) {
  const std::vector<std::pair<Words, std::string>> wrong = {
      {{}, "FILE"},
      {{"--"}, "FILE"},
      {{"--shell"}, "FILE"},
      {{"--no-such-option", "--", "true"}, "--no-such-option"},
      {{"--timeout", "soon", "--", "true"}, "--timeout"},
      {{"--timeout", "-1", "--", "true"}, "--timeout"},
      {{"--timeout", "1.5", "--", "true"}, "--timeout"},
      {{"--max-buffer", "-1", "--", "true"}, "--max-buffer"},
      {{"--kill-signal", "SIGNONE", "--", "true"}, "SIGNONE"},
      {{"--kill-signal", "0", "--", "true"}, "0"},
      {{"--env", "NOVALUE", "--", "true"}, "NOVALUE"},
      {{"--env", "=value", "--", "true"}, "=value"},
      {{"--uid", "root", "--", "true"}, "--uid"},
      {{"--uid", "4294967295", "--", "true"}, "--uid"},
      {{"--gid", "-1", "--", "true"}, "--gid"},
      {{"--cwd"}, "--cwd"},
  };
  for (const auto& [arguments, named] : wrong) {
    const Words lines = complaint(arguments);
    ASSERT_EQ(lines.size(), 1U) << named;
    EXPECT_TRUE(lines.front().starts_with("run_command: ")) << lines.front();
    EXPECT_TRUE(lines.front().contains(named)) << lines.front();
  }
}

TEST(RunCommandLine, ExplainsItself) {
  Program program(built("run_command"), {"--help"});
  const Words lines = program.output.rest();
  EXPECT_EQ(program.end(), "exit 0");
  for (const char* word : {"--shell", "--cwd", "--env", "--timeout", "--kill-signal", "--max-buffer", "--uid",
                           "--gid", "--input", "--sync", "-- FILE [ARG...]", "\"step\"", "Exit code"}) {
    EXPECT_TRUE(std::ranges::any_of(lines, [&](const auto& line) { return line.contains(word); })) << word;
  }
}

TEST_P(RunCommand, TakesTheGroupsOfAUserWhenNoneIsGiven) {
  if (::geteuid() != 0 || ::getpwuid(65534) == nullptr) GTEST_SKIP() << "needs root, and a user 65534";
  const std::string own = std::to_string(::getpwuid(65534)->pw_gid);
  const Value result = result_of({"--uid", "65534", "--", "sh", "-c", "id -u; id -g; id -G"});
  EXPECT_TRUE(result["stdout"].as_string().starts_with("65534\n" + own + "\n" + own))
      << result["stdout"].as_string();
  if (::getpwuid(987654) != nullptr) return;
  const Words lines = complaint({"--uid", "987654", "--", "true"});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines.front().contains("--gid")) << lines.front();
}

}  // namespace
}  // namespace baton::test
