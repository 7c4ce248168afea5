// What a child that becomes somebody else is, and what it does to this process: nothing.

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "support.h"
#include "support/leak_check.h"

namespace baton::spawner::test {
namespace {

using namespace std::chrono_literals;

class LaunchIdentity : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  const SpawnOptions nobody = SpawnOptions().uid(65534).gid(65533);
};

TEST_F(LaunchIdentity, RunsAsAnotherUserWithNoGroupOfOurs) {
  const std::string script = "grep -E '^(Uid|Gid|Groups)' /proc/self/status | tr '\\t' ' '";
  EXPECT_EQ(run(shell(script, nobody)).output,
            "Uid: 65534 65534 65534 65534\nGid: 65533 65533 65533 65533\nGroups:  \n");
  EXPECT_EQ(run(shell(script, SpawnOptions(nobody).groups({7, 9}))).output,
            "Uid: 65534 65534 65534 65534\nGid: 65533 65533 65533 65533\nGroups: 7 9 \n");
}

// Runs `body` in a process that has become an ordinary user for good; its exit code counts the failures.
template <class Body>
int as_nobody(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const bool ready = ::syscall(SYS_setgroups, 0, nullptr) == 0 && ::setresgid(65534, 65534, 65534) == 0 &&
                       ::setresuid(65534, 65534, 65534) == 0;
    ::_exit(ready ? body() : 99);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(LaunchIdentity, NeverRunsAsTheWrongUser) {
  EXPECT_EQ(as_nobody([] {
              int failures = 0;
              auto expect = [&](const SpawnOptions& options, const std::string& step) {
                auto child = launch(make_plan("/bin/true", {}, options));
                if (child || child.error().step() != step ||
                    child.error().code() != std::errc::operation_not_permitted) {
                  ++failures;
                }
              };
              expect(SpawnOptions().uid(0), "setgroups");
              expect(SpawnOptions().gid(0), "setgroups");
              expect(SpawnOptions().groups({1}), "setgroups");
              return failures;
            }),
            0);
}

TEST_F(LaunchIdentity, MayKeepTheIdentityThatItHas) {
  EXPECT_EQ(as_nobody([] {
              auto child = launch(make_plan("/bin/true", {}, SpawnOptions().uid(65534).gid(65534)));
              return child && wait(child->pidfd.get()).success() ? 0 : 1;
            }),
            0);
}

// --- this process

// The kernel makes a process that changes its user a closed book, together with all that share its memory.
TEST_F(LaunchIdentity, LeavesThisProcessAsOpenToItsOwnUserAsItWas) {
  const int before = ::prctl(PR_GET_DUMPABLE);
  if (before != 1) GTEST_SKIP() << "this process is not dumpable";
  EXPECT_TRUE(run(shell("true", nobody)).status.success());
  EXPECT_TRUE(run(shell("true", SpawnOptions().gid(65533))).status.success());
  EXPECT_NE(failure_of(make_plan("/no/such", {}, nobody)), "");
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), before);
}

TEST_F(LaunchIdentity, LeavesTheParentsMaskAndDescriptorsAsTheyWere) {
  const auto descriptors = baton::test::open_descriptors();
  sigset_t block{}, before{}, after{};
  sigemptyset(&block);
  sigaddset(&block, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  run(shell(":", nobody));
  failure_of(make_plan("/no/such", {}, nobody));
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  EXPECT_EQ(sigismember(&after, SIGUSR2), 1);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
  EXPECT_EQ(baton::test::open_descriptors(), descriptors);
}

// --- what fails on the way

TEST_F(LaunchIdentity, NamesTheStepThatFailed) {
  EXPECT_EQ(failure_of(make_plan("/no/such", {}, nobody)),
            "spawn /no/such: execve /no/such: no such file or directory");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions(nobody).cwd("/no/such"))),
            "spawn /bin/true: chdir /no/such: no such file or directory");
  EXPECT_EQ(failure_of(make_plan("/bin/true", {}, SpawnOptions(nobody).limit(1000, 1))),
            "spawn /bin/true: setrlimit 1000: invalid argument");
  const Folder folder;
  const std::string ours = folder.file("ours", "#!/bin/sh\n", 0700);
  EXPECT_EQ(failure_of(make_plan(ours, {}, nobody)),
            "spawn " + ours + ": execve " + ours + ": permission denied");
}

// Gives up one capability for good.
bool lose(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return false;
  sets[0].effective &= ~(1U << capability);
  sets[0].permitted &= ~(1U << capability);
  return ::syscall(SYS_capset, &header, sets) == 0;
}

TEST_F(LaunchIdentity, NamesTheUserThatMayNotBe) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const bool ready = lose(CAP_SETUID);
    const std::string text = failure_of(make_plan("/bin/true", {}, nobody));
    ::_exit(!ready ? 99 : text == "spawn /bin/true: setresuid 65534: operation not permitted" ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(LaunchIdentity, IsToldApartFromItsOwnDescriptorsWhateverTheirNumbers) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Pipe output;
  auto plan = shell(list_descriptors, nobody);
  plan.descriptors = {{null.get(), 0}, {output.write.get(), 1}, {output.write.get(), 2}};
  std::string expected = "0 1 2 ";
  for (int target = 3; target < 40; ++target) {
    plan.descriptors.push_back({null.get(), target});
    expected += std::to_string(target) + " ";
  }
  auto missing = plan;
  missing.file = "/no/such";
  EXPECT_EQ(failure_of(missing), "spawn /no/such: execve /no/such: no such file or directory");
  auto child = launch(plan);
  ASSERT_TRUE(child) << child.error().what();
  output.write.reset();
  EXPECT_EQ(read_all(output.read), expected);
  EXPECT_TRUE(wait(child->pidfd.get()).success());
}

TEST_F(LaunchIdentity, IsNotGivenADescriptorThatNobodyHas) {
  // The lowest free number, which anything that is opened on the way would get.
  const int number = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
  auto plan = make_plan("/bin/true", {}, nobody);
  plan.descriptors = {{number, number}};
  const std::string text = std::to_string(number);
  EXPECT_EQ(failure_of(plan),
            "spawn /bin/true: dup " + text + " as descriptor " + text + ": bad file descriptor");
}

// A file that nobody can open until this is gone, as on a server that does not answer.
class Withheld {
 public:
  explicit Withheld(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    before_ = std::signal(SIGIO, SIG_IGN);
    held_ = ::fcntl(file_.get(), F_SETLEASE, F_WRLCK) == 0;
  }
  Withheld(const Withheld&) = delete;
  Withheld& operator=(const Withheld&) = delete;
  ~Withheld() {
    file_.reset();
    (void)std::signal(SIGIO, before_);
  }
  [[nodiscard]] bool held() const { return held_; }

 private:
  Fd file_;
  void (*before_)(int) = nullptr;
  bool held_ = false;
};

// As with a child that its new user stops on the way.
TEST_F(LaunchIdentity, HoldsThisProcessNoLongerThanItsPatience) {
  const Folder folder;
  const std::string path = folder.file("program", "#!/bin/sh\n");
  auto plan = make_plan(path, {}, nobody);
  plan.patience = 1s;
  {
    const Withheld file(path);
    if (!file.held()) GTEST_SKIP() << "no leases in " << folder.path();
    const auto child = launch(plan);
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code(), Errc::timed_out);
    EXPECT_STREQ(child.error().what(), ("spawn " + path + ": execve " + path + ": timed out").c_str());
    EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD) << "a child is left";
  }
  plan.patience = 10s;
  EXPECT_EQ(failure_of(plan), "");
}

}  // namespace
}  // namespace baton::spawner::test
