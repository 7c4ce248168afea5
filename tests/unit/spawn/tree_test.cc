// Ending a child together with everything that descends from it.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "baton/loop/timer.h"
#include "baton/spawn/child.h"
#include "baton/spawn/sync.h"
#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

// Everybody in the tree holds the writing end of a pipe as descriptor 9: at its end nobody is left.
class Tree : public test::LeakFree {
 protected:
  Child shell(const std::string& script, SpawnOptions options = SpawnOptions()) {
    Child child = spawn(loop_, "/bin/sh", {"-c", script}, options.pass(life_.write.get(), 9));
    life_.write.reset();
    return child;
  }
  /// Calls back when the child has written something, so that it is known to be so far.
  static void when_it_speaks(Child& child, Callback callback) {
    child.stdout_stream().on_data([callback = std::move(callback)](std::string_view) mutable { callback(); });
  }
  /// Waits for the end of them all; a test that is left over here fails by its time.
  void expect_all_gone() { EXPECT_EQ(spawner::test::read_all(life_.read), ""); }

  Loop loop_;
  spawner::test::Pipe life_;
};

const char* const three_generations = "(sleep 1000 & sh -c 'sleep 1000 & echo ready; wait'; wait) & wait";

TEST_F(Tree, IsKilledWholeAndCounted) {
  Child child = shell(three_generations);
  size_t count = 0;
  when_it_speaks(child, [&] { count = child.kill_tree(SIGKILL); });
  loop_.run();
  EXPECT_EQ(child.status()->signal(), SIGKILL);
  EXPECT_TRUE(child.killed());
  EXPECT_EQ(count, 5U);
  EXPECT_EQ(child.kill_tree(SIGKILL), 0U) << "it has ended";
  expect_all_gone();
}

TEST_F(Tree, LosesItsLeaderAtLeastWhenThereIsNoDescriptorToFindTheOthersWith) {
  Child child = shell("echo ready; exec sleep 1000");
  size_t count = 0;
  when_it_speaks(child, [&] {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{3, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    count = child.kill_tree(SIGKILL);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  });
  loop_.run();
  EXPECT_EQ(count, 1U);
  EXPECT_EQ(child.status()->signal(), SIGKILL);
}

// Leaves this process `count` descriptors to open, until its end.
class Scarcity {
 public:
  explicit Scarcity(int count) {
    std::vector<Fd> lowest;
    while (static_cast<int>(lowest.size()) <= count) {
      lowest.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{static_cast<rlim_t>(lowest.back().get()), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  Scarcity(const Scarcity&) = delete;
  Scarcity& operator=(const Scarcity&) = delete;
  ~Scarcity() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Tree, IsKilledWholeEvenIfThereAreNotDescriptorsEnoughToHoldThemAll) {
  Child child = shell(three_generations);
  size_t count = 0;
  when_it_speaks(child, [&] {
    // One to look with, one for a process: the second that is stopped finds none.
    const Scarcity scarcity(2);
    count = child.kill_tree(SIGKILL);
  });
  loop_.run();
  EXPECT_EQ(count, 5U);
  EXPECT_EQ(child.status()->signal(), SIGKILL);
  expect_all_gone();
}

TEST_F(Tree, IsAskedToStopAsSoonAsItCanBeSeen) {
  Child child = shell("sleep 1000 & echo ready; exec sleep 1000", SpawnOptions().detached());
  bool gone = false;
  std::optional<Scarcity> scarcity;
  Timer later;
  when_it_speaks(child, [&] {
    scarcity.emplace(0);
    child.stop_tree(1h).then([&](Result<void> outcome) { gone = outcome.has_value(); });
    later = Timer(loop_, 20ms, [&] { scarcity.reset(); });
  });
  loop_.run();
  EXPECT_TRUE(gone);
  EXPECT_EQ(child.status()->signal(), SIGTERM) << "who is known is asked at once";
  expect_all_gone();
}

// What a tree of this process ends with, part of which is root's, when this process is nobody in particular.
std::string end_of_a_tree_with_a_stranger(const Fd& life, const Fd& held) {
  Loop loop;
  Child child =
      spawn(loop, "/bin/sh",
            {"-c",
             "cat <&8 >/dev/null 2>&1 & "
             "exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo ready; exec sleep 1000'"},
            SpawnOptions().pass(life.get(), 9).pass(held.get(), 8).stdio(0, Stdio::ignore()));
  std::string outcome = "no outcome";
  child.stdout_stream().on_data([&](std::string_view) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) return loop.stop();
    child.stop_tree(0ms).then([&](Result<void> result) {
      outcome = result ? "gone" : result.error().what();
      if (child.status()) outcome += "; the child: " + child.status()->describe();
    });
  });
  loop.run();
  // The numbers are nobody's business.
  return std::regex_replace(outcome, std::regex("[0-9]+"), "N");
}

TEST_F(Tree, IsGivenUpWhenOnlyThoseAreLeftWhoMayNotBeSignalled) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  if (spawn_sync("setpriv", {"--version"}).error() != nullptr) GTEST_SKIP() << "needs setpriv(1)";
  spawner::test::Pipe held;
  spawner::test::Pipe told;
  const pid_t nobody = ::fork();
  if (nobody == 0) {
    const std::string outcome = end_of_a_tree_with_a_stranger(life_.write, held.read);
    ::_exit(::write(told.write.get(), outcome.data(), outcome.size()) > 0 ? 0 : 1);
  }
  told.write.reset();
  life_.write.reset();
  EXPECT_EQ(spawner::test::read_all(told.read),
            "end the tree of N: kill N: operation not permitted; the child: killed by SIGTERM");
  ::waitpid(nobody, nullptr, 0);
  held.write.reset();
  expect_all_gone();
}

TEST_F(Tree, GetsAnySignalInOneCall) {
  Child child = shell(three_generations);
  when_it_speaks(child, [&] {
    EXPECT_EQ(child.kill_tree(0), 5U);
    EXPECT_FALSE(child.killed());
    child.kill_tree();
  });
  loop_.run();
  EXPECT_EQ(child.status()->signal(), SIGTERM);
  expect_all_gone();
}

TEST_F(Tree, IsEndedByForceAfterTheGraceWhereItDoesNotListen) {
  Child child = shell("trap '' TERM; (setsid sleep 1000 & sleep 1000 & wait) & echo ready; wait");
  bool gone = false;
  when_it_speaks(child, [&] { child.stop_tree(1ms).then([&](Result<void>) { gone = true; }); });
  loop_.run();
  EXPECT_TRUE(gone);
  EXPECT_EQ(child.status()->signal(), SIGKILL);
  expect_all_gone();
}

TEST_F(Tree, IsGoneWhenItsEndIsTold) {
  Child child = shell(three_generations, SpawnOptions().detached());
  bool gone = false;
  when_it_speaks(child, [&] {
    child.stop_tree().then([&](Result<void>) {
      gone = true;
      expect_all_gone();
    });
  });
  loop_.run();
  EXPECT_TRUE(gone);
}

TEST_F(Tree, FindsWhoLostItsParentsInTheSessionThatTheChildLeads) {
  // The shell in the middle ends at once: its child is nobody's.
  Child child = shell("sh -c 'sleep 1000 &'; echo ready; exec sleep 1000", SpawnOptions().detached());
  when_it_speaks(child, [&] { EXPECT_EQ(child.kill_tree(SIGKILL), 2U); });
  loop_.run();
  expect_all_gone();
}

TEST_F(Tree, IsNoMoreThanTheChildWhenThatIsAlone) {
  Child child = shell("echo ready; exec sleep 1000");
  when_it_speaks(child, [&] { EXPECT_EQ(child.kill_tree(SIGTERM), 1U); });
  loop_.run();
  EXPECT_EQ(child.status()->signal(), SIGTERM);
  expect_all_gone();
}

TEST_F(Tree, HasNothingToEndAfterTheChild) {
  Child child = shell("exit 0");
  loop_.run();
  bool told = false;
  child.stop_tree().then([&](Result<void> result) { told = result.has_value(); });
  loop_.run();
  EXPECT_TRUE(told);
}

// --- SpawnOptions::whole_tree

TEST_F(Tree, LeavesNothingBehindWhenItsLeaderEndsByItself) {
  Child child = shell("sleep 1000 & sh -c 'sleep 1000 &'; exit 3", SpawnOptions().whole_tree());
  loop_.run();
  EXPECT_EQ(child.status()->code(), 3);
  expect_all_gone();
}

TEST_F(Tree, IsEndedByTheTimeout) {
  Child child = shell("trap '' TERM; sleep 1000 & wait; wait",
                      SpawnOptions().whole_tree().timeout(50ms).kill_signal(SIGKILL));
  loop_.run();
  EXPECT_TRUE(child.timed_out());
  EXPECT_EQ(child.status()->signal(), SIGKILL);
  expect_all_gone();
}

TEST_F(Tree, IsEndedByStopAndByDestruction) {
  Child stopped = shell("sleep 1000 & echo ready; wait", SpawnOptions().whole_tree());
  when_it_speaks(stopped, [&] { stopped.stop(); });
  loop_.run();
  EXPECT_EQ(stopped.status()->signal(), SIGTERM);
  expect_all_gone();

  life_ = spawner::test::Pipe();
  std::optional<Child> destroyed(shell("sleep 1000 & echo ready; wait", SpawnOptions().whole_tree()));
  when_it_speaks(*destroyed, [&] { destroyed.reset(); });
  loop_.run();
  expect_all_gone();
}

TEST_F(Tree, DiesWithItsLoop) {
  {
    Loop short_lived;
    Child child = spawn(short_lived, "/bin/sh", {"-c", "sleep 1000 & echo ready; wait"},
                        SpawnOptions().whole_tree().pass(life_.write.get(), 9));
    life_.write.reset();
    when_it_speaks(child, [&] { short_lived.stop(); });
    short_lived.run();
  }
  expect_all_gone();
  // The zombie is collected by the next spawn.
  for (siginfo_t info{}; ::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR;) {
  }
  EXPECT_TRUE(spawn_sync("true").success());
}

TEST_F(Tree, OfACommandIsEndedWithItsTime) {
  const auto process = SpawnOptions().stdio(0, Stdio::ignore()).whole_tree().pass(life_.write.get(), 9);
  const auto result = exec_sync("sleep 1000 & sleep 1000; true", ExecOptions(process).timeout(50ms));
  life_.write.reset();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out());
  expect_all_gone();
}

// To take it for gone because nobody could look at it in time has ended whole services.
TEST(ProcessEntry, IsNoOtherBecauseItCouldNotBeLookedAt) {
  const spawner::ProcessEntry seen{.pid = 7, .parent = 1, .session = 7, .state = 'S', .started = 100};
  const spawner::ProcessEntry held{.pid = 7, .session = 7, .held = true};
  const spawner::ProcessEntry later{.pid = 7, .parent = 1, .session = 7, .state = 'S', .started = 200};
  const spawner::ProcessEntry other{.pid = 8, .session = 8, .held = true};
  EXPECT_TRUE(seen.is(seen));
  EXPECT_TRUE(held.is(seen));
  EXPECT_TRUE(seen.is(held));
  EXPECT_FALSE(later.is(seen));
  EXPECT_FALSE(other.is(seen));
  EXPECT_EQ(spawner::tree_of({held}, 5, {seen}).size(), 1U);
  EXPECT_EQ(spawner::tree_of({later}, 5, {seen}).size(), 0U);
}

}  // namespace
}  // namespace baton
