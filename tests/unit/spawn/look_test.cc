#include "spawn/look_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include "baton/base/fd.h"
#include "baton/loop/timer.h"
#include "spawn/own_children.h"
#include "spawn/tree_end_linux.h"
#include "support/folder.h"

namespace baton::spawner {
namespace {

using namespace std::chrono_literals;

// A pipe that nobody has opened for writing holds who opens it, as a held process does.
class HeldLane {
 public:
  HeldLane(Loop& loop, Lane lane) {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    look_ = Look(
        loop, lane, 1ms, [path = path_] { const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); },
        [this](bool in_time) { ended_in_time_ = in_time; });
  }
  void release() {
    if (!std::exchange(released_, true)) const Fd writer(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  }
  ~HeldLane() { release(); }
  [[nodiscard]] bool ended_in_time() const { return ended_in_time_; }

 private:
  const test::Folder folder_;
  const std::string path_ = folder_.path() + "/held";
  Look look_;
  bool ended_in_time_ = true;
  bool released_ = false;
};

struct LookBeside : testing::Test {
  Loop loop;
};

TEST_F(LookBeside, TellsFromTheLoopWhatItSaw) {
  const auto there = std::make_shared<int>(0);
  bool in_time = false;
  Look look(
      loop, Lane::trees, 1h, [there] { *there = 7; },
      [&](bool ended) {
        in_time = ended;
        EXPECT_EQ(*there, 7);
      });
  EXPECT_FALSE(in_time);
  loop.run();
  EXPECT_TRUE(in_time);
  EXPECT_FALSE(look);
}

TEST_F(LookBeside, KnowsWhoIsAChildOfItsAskersThread) {
  remember_child(0x7ffffff0);
  bool known = false;
  Look look(loop, Lane::trees, 1h, [&] { known = is_own_child(0x7ffffff0); }, [](bool) {});
  loop.run();
  forget_child(0x7ffffff0);
  EXPECT_TRUE(known);
}

TEST_F(LookBeside, IsWaitedForNoLongerThanItsPatienceAndHoldsNobodyOfAnotherLane) {
  HeldLane held(loop, Lane::trees);
  loop.run();
  EXPECT_FALSE(held.ended_in_time());
  bool behind = true;
  Look look(loop, Lane::trees, 1ms, [] {}, [&](bool in_time) { behind = in_time; });
  loop.run();
  EXPECT_FALSE(behind);
  EXPECT_TRUE(look_now(Lane::ports, 1h, [] {}));
  EXPECT_FALSE(look_now(Lane::trees, 1ms, [] {}));
  held.release();
  EXPECT_TRUE(look_now(Lane::trees, 1h, [] {}));
}

TEST_F(LookBeside, IsNotToldWhenNobodyWaitsAnyMore) {
  bool told = false;
  {
    const Look look(loop, Lane::trees, 1h, [] {}, [&](bool) { told = true; });
  }
  EXPECT_TRUE(look_now(Lane::trees, 1h, [] {}));
  loop.run();
  EXPECT_FALSE(told);
}

TEST_F(LookBeside, IsThereInAForkToo) {
  EXPECT_TRUE(look_now(Lane::trees, 1h, [] {}));
  const pid_t fork = ::fork();
  if (fork == 0) ::_exit(look_now(Lane::trees, 1h, [] {}) ? 0 : 1);
  int status = -1;
  ::waitpid(fork, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(LookBeside, IsNotNeededToKillALeaderAndItsGroup) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd life(ends[0]);
  Fd theirs(ends[1]);
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setsid();
    (void)::fork();
    for (;;) ::pause();
  }
  theirs.reset();
  while (::getpgid(leader) != leader) {
  }
  const HeldLane held(loop, Lane::trees);
  Result<void> outcome;
  TreeEnd tree(loop,
               {leader, [leader] { return ::waitpid(leader, nullptr, WNOHANG) != 0; },
                [&](int number) -> Result<bool> { return ::kill(leader, number) == 0; }},
               [&](Result<void> over) { outcome = std::move(over); });
  tree.ask();
  tree.kill();
  loop.run();
  ASSERT_FALSE(outcome) << "nobody has seen who is left";
  EXPECT_EQ(outcome.error().code(), std::errc::timed_out);
  char byte = 0;
  EXPECT_EQ(::read(life.get(), &byte, 1), 0) << "both have ended";
}

}  // namespace
}  // namespace baton::spawner
