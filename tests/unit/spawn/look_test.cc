#include "spawn/look_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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
    const auto begun = std::make_shared<std::atomic<bool>>(false);
    const auto job = [path = path_, begun] {
      *begun = true;
      const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    };
    look_ = Look(loop, lane, 1ms, job,
                 [this](const Result<void>& in_time) { ended_in_time_ = in_time.has_value(); });
    while (!*begun) std::this_thread::yield();
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
      loop, Lane::trees(), 1h, [there] { *there = 7; },
      [&](const Result<void>& ended) {
        in_time = ended.has_value();
        EXPECT_EQ(*there, 7);
      });
  EXPECT_FALSE(in_time);
  loop.run();
  EXPECT_TRUE(in_time);
  EXPECT_FALSE(look);
}

TEST_F(LookBeside, HoldsNobodyButWhoHasTheSameLane) {
  const Lane own;
  HeldLane held(loop, own);
  loop.run();
  EXPECT_FALSE(held.ended_in_time());
  EXPECT_FALSE(look_now(own, 1ms, [] {}));
  EXPECT_TRUE(look_now(Lane(), 1h, [] {}));
  held.release();
  EXPECT_TRUE(look_now(own, 1h, [] {}));
}

TEST_F(LookBeside, IsNotDoneWhereTooManyAreHeldAlready) {
  std::vector<std::unique_ptr<HeldLane>> held;
  for (int i = 0; i < Lane::most_threads; ++i) held.push_back(std::make_unique<HeldLane>(loop, Lane()));
  bool done = true;
  const auto seen = std::make_shared<bool>(false);
  const Look look(
      loop, Lane(), 1h, [seen] { *seen = true; },
      [&](const Result<void>& ended) { done = ended.has_value(); });
  loop.run();
  EXPECT_FALSE(done);
  EXPECT_FALSE(*seen);
  EXPECT_FALSE(look_now(Lane(), 1h, [] {}));
  EXPECT_TRUE(look_now(Lane::ports(), 1h, [] {}));
  for (const auto& one : held) one->release();
  while (!look_now(Lane(), 1h, [] {})) std::this_thread::yield();
}

TEST_F(LookBeside, DoesWhatNobodyWaitsForOneBehindTheOther) {
  const Lane own;
  const auto seen = std::make_shared<std::string>();
  for (const char letter : {'a', 'b', 'c'}) own.post([seen, letter] { *seen += letter; });
  EXPECT_TRUE(own.finish(1h));
  EXPECT_EQ(*seen, "abc");
  const HeldLane held(loop, own);
  EXPECT_FALSE(own.finish(1ms));
}

TEST_F(LookBeside, OfWhoTakesAPlaceWaitsForThoseBeforeOnlyIfManyOfThemAreHeld) {
  LanesOfAPlace place;
  std::vector<std::unique_ptr<HeldLane>> held;
  for (std::size_t i = 0; i < LanesOfAPlace::most_held; ++i) {
    const Lane lane = place.next();
    EXPECT_TRUE(look_now(lane, 1h, [] {}));
    held.push_back(std::make_unique<HeldLane>(loop, lane));
  }
  const Lane last = place.next();
  EXPECT_FALSE(look_now(last, 1ms, [] {}));
  held.front()->release();
  while (!look_now(place.next(), 1ms, [] {})) std::this_thread::yield();
}

TEST_F(LookBeside, KnowsWhoIsAChildOfItsAskersThread) {
  remember_child(0x7ffffff0);
  bool known = false;
  Look look(loop, Lane::trees(), 1h, [&] { known = is_own_child(0x7ffffff0); }, [](const Result<void>&) {});
  loop.run();
  forget_child(0x7ffffff0);
  EXPECT_TRUE(known);
}

TEST_F(LookBeside, IsWaitedForNoLongerThanItsPatienceAndHoldsNobodyOfAnotherLane) {
  HeldLane held(loop, Lane::trees());
  loop.run();
  EXPECT_FALSE(held.ended_in_time());
  bool behind = true;
  Look look(
      loop, Lane::trees(), 1ms, [] {}, [&](const Result<void>& in_time) { behind = in_time.has_value(); });
  loop.run();
  EXPECT_FALSE(behind);
  EXPECT_TRUE(look_now(Lane::ports(), 1h, [] {}));
  EXPECT_FALSE(look_now(Lane::trees(), 1ms, [] {}));
  held.release();
  EXPECT_TRUE(look_now(Lane::trees(), 1h, [] {}));
}

TEST_F(LookBeside, IsNotToldWhenNobodyWaitsAnyMore) {
  bool told = false;
  {
    const Look look(loop, Lane::trees(), 1h, [] {}, [&](const Result<void>&) { told = true; });
  }
  EXPECT_TRUE(look_now(Lane::trees(), 1h, [] {}));
  loop.run();
  EXPECT_FALSE(told);
}

TEST_F(LookBeside, IsThereInAForkToo) {
  EXPECT_TRUE(look_now(Lane::trees(), 1h, [] {}));
  const pid_t fork = ::fork();
  if (fork == 0) ::_exit(look_now(Lane::trees(), 1h, [] {}) ? 0 : 1);
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
  const HeldLane held(loop, Lane::trees());
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
