// What a child is given beyond what Node gives: limits, priority, processors, a cgroup, a signal at its
// parent's end.

#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "baton/spawn/sync.h"
#include "support/leak_check.h"
#include "support/refuse_call.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using spawner::test::failure_of;
using spawner::test::run;
using spawner::test::shell;

std::string output_of(const std::string& script, const SpawnOptions& options) {
  return run(shell(script, options)).output;
}

TEST(SpawnLimits, AreSetSoftAndHard) {
  EXPECT_EQ(output_of("ulimit -Sn; ulimit -Hn", SpawnOptions().limit(RLIMIT_NOFILE, 64, 128)), "64\n128\n");
  EXPECT_EQ(output_of("ulimit -Sc; ulimit -Hc", SpawnOptions().limit(RLIMIT_CORE, 0)), "0\n0\n");
}

TEST(SpawnLimits, AreThoseOfTheChildOnly) {
  const spawner::test::Folder folder;
  const auto outcome = run(shell("head -c 100 /dev/zero", SpawnOptions().limit(RLIMIT_FSIZE, 10)));
  EXPECT_TRUE(outcome.status.success()) << "a pipe has no size";
  const auto too_long = run(shell("exec head -c 100 /dev/zero >" + folder.path() + "/file",
                                  SpawnOptions().limit(RLIMIT_FSIZE, 10)));
  EXPECT_EQ(too_long.status.signal(), SIGXFSZ);
  EXPECT_EQ(std::filesystem::file_size(folder.path() + "/file"), 10U);
  rlimit here{};
  ::getrlimit(RLIMIT_FSIZE, &here);
  EXPECT_EQ(here.rlim_cur, RLIM_INFINITY);
}

TEST(SpawnLimits, EndAProgramThatUsesMoreThanItsTime) {
  const auto outcome = run(shell("while :; do :; done", SpawnOptions().limit(RLIMIT_CPU, 1, 2)));
  EXPECT_EQ(outcome.status.signal(), SIGXCPU);
}

TEST(SpawnLimits, ThatTheKernelRefusesAreNamed) {
  EXPECT_EQ(failure_of(shell("true", SpawnOptions().limit(RLIMIT_NOFILE, 9, 8))),
            "spawn /bin/sh: setrlimit RLIMIT_NOFILE: invalid argument");
  EXPECT_EQ(failure_of(shell("true", SpawnOptions().limit(1000, 1))),
            "spawn /bin/sh: setrlimit 1000: invalid argument");
}

TEST(SpawnLimits, IncludeTheNiceValue) { EXPECT_EQ(output_of("nice", SpawnOptions().nice(7)), "7\n"); }

TEST(SpawnLimits, IncludeTheProcessors) {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  ASSERT_EQ(::sched_getaffinity(0, sizeof mine, &mine), 0);
  int last = -1;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(static_cast<size_t>(i), &mine)) last = i;
  }
  EXPECT_EQ(output_of("grep Cpus_allowed_list /proc/self/status | cut -f2", SpawnOptions().cpus({last})),
            std::to_string(last) + "\n");
  EXPECT_EQ(failure_of(shell("true", SpawnOptions().cpus({1000}))),
            "spawn /bin/sh: sched_setaffinity: invalid argument");
  EXPECT_THROW(SpawnOptions().cpus({-1}), std::logic_error);
}

TEST(SpawnIdentity, TakesASharedGroupTwiceForWhatItIs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(output_of("grep ^Groups /proc/self/status | cut -f2",
                      SpawnOptions().uid(65534).gid(65534).groups({9, 7, 8})),
            "7 8 9 \n");
}

// --- the parent's death

TEST(SpawnParentDeath, SendsItsSignal) {
  spawner::test::Pipe life;
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::close(life.read.release());
    auto plan = spawner::make_plan("/bin/sleep", {"1000"}, SpawnOptions().parent_death_signal(SIGKILL));
    // The child holds the pipe open for as long as it lives.
    plan.descriptors = {{life.write.get(), 9}};
    ::_exit(spawner::launch(plan) ? 0 : 1);
  }
  life.write.reset();
  EXPECT_EQ(spawner::test::read_all(life.read), "") << "never comes back if the child lives on";
  int status = 0;
  ::waitpid(parent, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(SpawnParentDeath, StaysSetWhenTheUserChanges) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  spawner::test::Pipe life;
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::close(life.read.release());
    auto plan = spawner::make_plan("/bin/sleep", {"1000"},
                                   SpawnOptions().uid(65534).gid(65534).parent_death_signal(SIGKILL));
    plan.descriptors = {{life.write.get(), 9}};
    ::_exit(spawner::launch(plan) ? 0 : 1);
  }
  life.write.reset();
  EXPECT_EQ(spawner::test::read_all(life.read), "");
  int status = 0;
  ::waitpid(parent, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// --- cgroups

// A cgroup of the test's own, if this machine lets us make one.
class OwnCgroup {
 public:
  OwnCgroup() {
    std::ifstream mounts("/proc/self/mounts");
    std::string device, where, type, rest;
    while (mounts >> device >> where >> type && std::getline(mounts, rest)) {
      if (type == "cgroup2") root_ = where;
    }
    if (root_.empty()) {
      why_not_ = "no cgroup2 is mounted";
      return;
    }
    name_ = "baton-test-" + std::to_string(::getpid());
    if (::mkdir(path().c_str(), 0755) != 0) {
      why_not_ = "mkdir " + path() + ": " + std::generic_category().message(errno);
      name_.clear();
    }
  }
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;
  ~OwnCgroup() {
    if (name_.empty()) return;
    wait_until_empty();
    EXPECT_EQ(::rmdir(path().c_str()), 0) << path() << ": " << std::generic_category().message(errno);
  }
  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  [[nodiscard]] std::string path() const { return root_ + "/" + name_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  // Who was killed is a member for a little longer than it holds its descriptors.
  void wait_until_empty() const {
    const Fd events(::open((path() + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
    for (char text[256] = {}; ::pread(events.get(), text, sizeof text - 1, 0) > 0;) {
      if (std::string_view(text).contains("populated 0")) return;
      pollfd change{events.get(), POLLPRI, 0};
      if (::poll(&change, 1, 10'000) == 0) return;
    }
  }

  std::string root_;
  std::string name_;
  std::string why_not_;
};

TEST(SpawnCgroup, HasTheChildBeforeItsProgramBegins) {
  const OwnCgroup own;
  if (!own.why_not().empty()) GTEST_SKIP() << own.why_not();
  // What this process is in, and stays in.
  const auto own_line = [] {
    std::ifstream file("/proc/self/cgroup");
    std::string line;
    while (std::getline(file, line) && !line.starts_with("0::")) {
    }
    return line;
  };
  const std::string before = own_line();
  const auto outcome = run(shell("grep ^0:: /proc/self/cgroup", SpawnOptions().cgroup(own.path())));
  EXPECT_EQ(outcome.status.code(), 0);
  EXPECT_TRUE(outcome.output.ends_with("/" + own.name() + "\n")) << outcome.output;
  EXPECT_EQ(own_line(), before);
}

// What is said of a child that does not come to its program, though it has time enough for all before.
std::string stalled(spawner::LaunchPlan plan) {
  plan.patience = std::chrono::seconds(1);
  return failure_of(plan);
}

TEST(SpawnCgroup, ThatIsFrozenDoesNotFreezeThisProcess) {
  const OwnCgroup own;
  if (!own.why_not().empty()) GTEST_SKIP() << own.why_not();
  if (::syscall(SYS_clone3, nullptr, 0) == 0 || errno != EINVAL) GTEST_SKIP() << "no clone3 here";
  std::ofstream(own.path() + "/cgroup.freeze") << "1" << std::flush;
  EXPECT_EQ(stalled(shell("true", SpawnOptions().cgroup(own.path()))),
            "spawn /bin/sh: begin in " + own.path() + ": timed out")
      << "it is born there";
  std::ofstream(own.path() + "/cgroup.freeze") << "0" << std::flush;
  EXPECT_EQ(failure_of(shell("true", SpawnOptions().cgroup(own.path()))), "");
}

TEST(SpawnCgroup, IsEnteredByItsFileWhereNobodyCanBeBornInIt) {
  const OwnCgroup own;
  if (!own.why_not().empty()) GTEST_SKIP() << own.why_not();
  for (const int error : {ENOSYS, EPERM}) {
    const pid_t old_system = ::fork();
    if (old_system == 0) {
      if (!baton::test::refuse_call(SYS_clone3, error)) ::_exit(99);
      const auto outcome = run(shell("grep ^0:: /proc/self/cgroup", SpawnOptions().cgroup(own.path())));
      if (!outcome.output.ends_with("/" + own.name() + "\n")) ::_exit(1);
      std::ofstream(own.path() + "/cgroup.freeze") << "1" << std::flush;
      const std::string text = stalled(shell("true", SpawnOptions().cgroup(own.path())));
      std::ofstream(own.path() + "/cgroup.freeze") << "0" << std::flush;
      ::_exit(text == "spawn /bin/sh: write " + own.path() + "/cgroup.procs: timed out" ? 0 : 2);
    }
    int status = 0;
    ::waitpid(old_system, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
}

TEST(SpawnCgroup, CanBeEndedWhole) {
  const OwnCgroup own;
  if (!own.why_not().empty()) GTEST_SKIP() << own.why_not();
  if (!std::filesystem::exists(own.path() + "/cgroup.kill")) GTEST_SKIP() << "this kernel has no cgroup.kill";
  spawner::test::Pipe life;
  auto plan = shell("setsid sleep 1000 & sleep 1000", SpawnOptions().cgroup(own.path()));
  plan.descriptors = {{life.write.get(), 9}};
  auto child = spawner::launch(plan);
  ASSERT_TRUE(child) << child.error().what();
  life.write.reset();
  std::ofstream(own.path() + "/cgroup.kill") << "1" << std::flush;
  EXPECT_EQ(spawner::test::read_all(life.read), "") << "the descendant that left the session is gone too";
  EXPECT_EQ(spawner::wait(child->pidfd.get()).signal(), SIGKILL);
}

TEST(SpawnCgroup, ThatIsNotThereIsNamed) {
  EXPECT_EQ(failure_of(shell("true", SpawnOptions().cgroup("/nowhere"))),
            "spawn /bin/sh: open /nowhere/cgroup.procs: no such file or directory");
}

TEST(SpawnCgroup, ThatRefusesTheChildIsNamed) {
  // A file that takes no writes, as a cgroup that takes no members.
  const spawner::test::Folder folder;
  std::filesystem::create_symlink("/dev/full", folder.path() + "/cgroup.procs");
  EXPECT_EQ(failure_of(shell("true", SpawnOptions().cgroup(folder.path()))),
            "spawn /bin/sh: write " + folder.path() + "/cgroup.procs: no space left on device");
}

}  // namespace
}  // namespace baton
