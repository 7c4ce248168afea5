#include "spawn/launch.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "support.h"

namespace baton::spawner::test {
namespace {

TEST(Launch, RunsAProgramAndGivesItsExitCode) {
  EXPECT_EQ(run(shell("echo hello; exit 7")).output, "hello\n");
  EXPECT_EQ(run(shell("exit 7")).status.code(), 7);
  EXPECT_TRUE(run(make_plan("/bin/true", {}, {})).status.success());
}

TEST(Launch, GivesArgumentsAsTheyAre) {
  EXPECT_EQ(run(make_plan("printf", {"[%s]", "a b", "", "$HOME", "'"}, {})).output, "[a b][][$HOME][']");
}

TEST(Launch, GivesAnotherArg0WhenAsked) {
  EXPECT_EQ(run(make_plan("/bin/sh", {"-c", "echo $0"}, SpawnOptions().arg0("-login"))).output, "-login\n");
}

TEST(Launch, TellsTheChildItsOwnProcessId) {
  const auto options = SpawnOptions().add_env("LISTEN_PID", "1").pid_variable("LISTEN_PID");
  const std::string script = "env | grep -c '^LISTEN_PID='; test $LISTEN_PID = $$ && echo mine";
  EXPECT_EQ(run(shell(script, options)).output, "1\nmine\n");
  EXPECT_EQ(
      run(shell(script, SpawnOptions().env({}).add_env("PATH", "/usr/bin:/bin").pid_variable("LISTEN_PID")))
          .output,
      "1\nmine\n");
}

TEST(Launch, StartsInTheWorkingDirectory) {
  const Folder folder;
  EXPECT_EQ(run(make_plan("pwd", {"-P"}, SpawnOptions().cwd(folder.path()))).output,
            std::filesystem::canonical(folder.path()).string() + "\n");
}

TEST(Launch, LooksUpARelativeNameFromTheWorkingDirectory) {
  const Folder folder;
  folder.file("tool", "#!/bin/sh\necho found\n");
  EXPECT_EQ(run(make_plan("./tool", {}, SpawnOptions().cwd(folder.path()))).output, "found\n");
}

TEST(Launch, SetsTheUmask) { EXPECT_EQ(run(shell("umask", SpawnOptions().umask(0077))).output, "0077\n"); }

TEST(Launch, LeavesTheUmaskAndDirectoryOfTheParentAlone) {
  const auto here = std::filesystem::current_path();
  const mode_t mask = ::umask(0022);
  EXPECT_EQ(run(shell("pwd; umask", SpawnOptions().umask(0077).cwd("/"))).output, "/\n0077\n");
  EXPECT_EQ(std::filesystem::current_path(), here);
  EXPECT_EQ(::umask(mask), 0022U);
}

TEST(Launch, PutsADetachedChildInASessionOfItsOwn) {
  const std::string script =
      "read a b c d group session rest < /proc/self/stat; echo $(($group == $$)) $(($session == $$))";
  EXPECT_EQ(run(shell(script, SpawnOptions().detached())).output, "1 1\n");
  EXPECT_EQ(run(shell(script)).output, "0 0\n");
}

TEST(Launch, ForbidsNewPrivilegesWhenAsked) {
  const std::string script = "grep NoNewPrivs /proc/self/status | tr -d '\\t'";
  EXPECT_EQ(run(shell(script, SpawnOptions().no_new_privs())).output, "NoNewPrivs:1\n");
}

// --- the environment and the search for the program

TEST(Launch, GivesTheEnvironmentOfTheOptionsAndNoOther) {
  const auto options = SpawnOptions().env(Environment().set("B", "2").set("A", "1=1"));
  EXPECT_EQ(run(make_plan("/usr/bin/env", {}, options)).output, "B=2\nA=1=1\n");
  EXPECT_EQ(run(make_plan("/usr/bin/env", {}, SpawnOptions().env({}))).output, "");
}

TEST(Launch, SearchesThePathOfTheChild) {
  const Folder folder;
  folder.file("baton-test-tool", "#!/bin/sh\necho mine\n");
  EXPECT_EQ(
      run(make_plan("baton-test-tool", {}, SpawnOptions().add_env("PATH", "/nowhere::" + folder.path())))
          .output,
      "mine\n");
  EXPECT_EQ(
      failure_of(make_plan("baton-test-tool", {}, SpawnOptions().add_env("PATH", "/nowhere:/bin"))),
      "spawn baton-test-tool: execve baton-test-tool (searched in /nowhere:/bin): no such file or directory");
}

TEST(Launch, SearchesTheDefaultPathWithoutPath) {
  EXPECT_EQ(run(make_plan("echo", {"hi"}, SpawnOptions().remove_env("PATH"))).output, "hi\n");
}

TEST(Launch, TakesAnEmptyPathElementAsTheWorkingDirectory) {
  const Folder folder;
  folder.file("-x", "echo \"$0\"\n");
  const auto options = SpawnOptions().cwd(folder.path()).add_env("PATH", "/nowhere:");
  EXPECT_EQ(run(make_plan("-x", {}, options)).output, "./-x\n");
}

TEST(Launch, RemembersAFileThatMayNotBeExecutedAndSearchesOn) {
  const Folder refused;
  const Folder good;
  const std::string path = refused.file("tool", "#!/bin/sh\n", 0644);
  good.file("tool", "#!/bin/sh\necho good\n");
  EXPECT_EQ(
      run(make_plan("tool", {}, SpawnOptions().add_env("PATH", refused.path() + ":" + good.path()))).output,
      "good\n");
  EXPECT_EQ(failure_of(make_plan("tool", {}, SpawnOptions().add_env("PATH", refused.path() + ":/nowhere"))),
            "spawn tool: execve " + path + ": permission denied");
}

TEST(Launch, GivesATextWithoutInterpreterToTheShell) {
  const Folder folder;
  const std::string path = folder.file("script", "echo \"$0 $1\"; exit 3\n");
  const Outcome outcome = run(make_plan(path, {"one"}, {}));
  EXPECT_EQ(outcome.output, path + " one\n");
  EXPECT_EQ(outcome.status.code(), 3);
}

TEST(Launch, RunsAScriptWithItsInterpreter) {
  const Folder folder;
  const std::string path = folder.file("script", "#!/bin/sh -e\necho \"$1\"; false; echo not here\n");
  EXPECT_EQ(run(make_plan(path, {"one"}, {})).output, "one\n");
}

TEST(Launch, RunsAProgramNamedByADescriptorOfTheParent) {
  const Fd program(::open("/bin/echo", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(run(make_plan("/proc/self/fd/" + std::to_string(program.get()), {"hi"}, {})).output, "hi\n");
}

// --- descriptors

std::string descriptors_of(std::vector<Placement> placements) {
  Pipe output;
  for (auto& one : placements) {
    if (one.source == -1) one.source = output.write.get();
  }
  auto plan = shell(list_descriptors);
  plan.descriptors = std::move(placements);
  auto child = launch(plan);
  if (!child) return child.error().what();
  output.write.reset();
  std::string text = read_all(output.read);
  EXPECT_TRUE(wait(child->pidfd.get()).success());
  return text;
}

TEST(Launch, LeaksNoDescriptorEvenOfForeignCode) {
  const Fd low(::open("/dev/null", O_RDONLY));  // neither this one nor the next is close-on-exec
  const Fd high(::fcntl(low.get(), F_DUPFD, 200));
  ASSERT_EQ(::fcntl(high.get(), F_GETFD), 0);
  EXPECT_EQ(descriptors_of({{-1, 1}}), "1 ");
  EXPECT_EQ(descriptors_of({{low.get(), 0}, {-1, 1}, {-1, 2}}), "0 1 2 ");
  EXPECT_EQ(descriptors_of({{high.get(), 9}, {-1, 1}, {low.get(), 4}}), "1 4 9 ");
  EXPECT_EQ(::fcntl(high.get(), F_GETFD), 0) << "the parent's own descriptor was changed";
}

TEST(Launch, KeepsADescriptorThatIsAtItsNumberAlready) {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(descriptors_of({{-1, 1}, {null.get(), null.get()}}), "1 " + std::to_string(null.get()) + " ");
}

TEST(Launch, PlacesDescriptorsThatStandInEachOthersPlaces) {
  Pipe pipes[3];
  const int a = pipes[0].write.get(), b = pipes[1].write.get(), c = pipes[2].write.get();
  auto plan = shell("eval \"echo a >&" + std::to_string(b) + "; echo b >&" + std::to_string(c) +
                    "; echo c >&" + std::to_string(a) + "\"");
  plan.descriptors = {{a, b}, {b, c}, {c, a}};
  if (std::max({a, b, c}) > 9) GTEST_SKIP() << "the shell knows descriptors of one digit only";
  auto child = launch(plan);
  ASSERT_TRUE(child) << child.error().what();
  EXPECT_TRUE(wait(child->pidfd.get()).success());
  for (auto& pipe : pipes) pipe.write.reset();
  EXPECT_EQ(read_all(pipes[0].read), "a\n");
  EXPECT_EQ(read_all(pipes[1].read), "b\n");
  EXPECT_EQ(read_all(pipes[2].read), "c\n");
}

// Standard input and output of this process are replaced for the time of one launch.
TEST(Launch, SwapsTheParentsStandardInputAndOutput) {
  Pipe input;
  Pipe output;
  const Fd saved_input(::fcntl(0, F_DUPFD_CLOEXEC, 10));
  const Fd saved_output(::fcntl(1, F_DUPFD_CLOEXEC, 10));
  ::dup2(output.write.get(), 0);
  ::dup2(input.read.get(), 1);
  auto plan = shell("cat");
  plan.descriptors = {{0, 1}, {1, 0}};
  auto child = launch(plan);
  saved_input ? ::dup2(saved_input.get(), 0) : ::close(0);
  saved_output ? ::dup2(saved_output.get(), 1) : ::close(1);
  ASSERT_TRUE(child) << child.error().what();
  EXPECT_EQ(::write(input.write.get(), "swapped", 7), 7);
  input.write.reset();
  output.write.reset();
  EXPECT_EQ(read_all(output.read), "swapped");
  EXPECT_TRUE(wait(child->pidfd.get()).success());
}

TEST(Launch, NamesADescriptorThatIsNotOpen) {
  auto plan = make_plan("/bin/true", {}, {});
  plan.descriptors = {{999, 3}};
  EXPECT_EQ(failure_of(plan), "spawn /bin/true: dup 999 as descriptor 3: bad file descriptor");
  plan.descriptors = {{999, 999}};
  EXPECT_EQ(failure_of(plan), "spawn /bin/true: dup 999 as descriptor 999: bad file descriptor");
}

TEST(Launch, SaysSoAtTheDescriptorLimit) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  std::vector<Fd> filler;
  const rlimit low{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) filler.emplace_back(fd);
  const std::string text = failure_of(make_plan("/bin/true", {}, {}));
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(text, "spawn /bin/true: clone: too many open files");
}

// --- signals

TEST(Launch, StartsWithDefaultDispositionsAndAnEmptyMask) {
  struct sigaction ignore{}, pipe{}, term{}, user{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &pipe);
  ::sigaction(SIGTERM, &ignore, &term);
  ignore.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &ignore, &user);
  sigset_t block{}, mask{};
  sigfillset(&block);
  ::pthread_sigmask(SIG_BLOCK, &block, &mask);
  const Outcome outcome = run(make_plan("cat", {"/proc/self/status"}, {}));
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  ::sigaction(SIGPIPE, &pipe, nullptr);
  ::sigaction(SIGTERM, &term, nullptr);
  ::sigaction(SIGUSR1, &user, nullptr);
  for (const char* set : {"SigBlk", "SigIgn", "SigCgt"}) {
    EXPECT_NE(outcome.output.find(set + std::string(":\t0000000000000000\n")), std::string::npos)
        << outcome.output;
  }
}

TEST(Launch, LeavesTheParentsMaskAsItWas) {
  sigset_t block{}, before{}, after{};
  sigemptyset(&block);
  sigaddset(&block, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  run(shell(":"));
  failure_of(make_plan("/no/such", {}, {}));
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  EXPECT_EQ(sigismember(&after, SIGUSR2), 1);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

}  // namespace
}  // namespace baton::spawner::test
