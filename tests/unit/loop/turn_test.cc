#include "loop/turn.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <new>
#include <thread>

#include "loop/work.h"

namespace baton {
namespace {

using std::chrono::microseconds;

Turn::Clock::time_point turn_clock;
Turn::Clock::time_point turn_now() { return turn_clock; }

/// A turn of someone whose every byte takes `cost` to work on: how many bytes he gets to, and how long it is.
std::pair<size_t, microseconds> take_turn(Turn& turn, std::chrono::nanoseconds cost) {
  const auto begin = turn_clock;
  size_t bytes = 0;
  turn.begin();
  do {
    bytes += turn.size();
    turn_clock += turn.size() * cost;
  } while (turn.go_on());
  return {bytes, std::chrono::duration_cast<microseconds>(turn_clock - begin)};
}

TEST(Turn, EndsAfterAMillisecondWhateverAByteCosts) {
  for (const int nanoseconds : {1, 10, 100, 400}) {
    const std::chrono::nanoseconds cost(nanoseconds);
    Turn turn(512, 16384, turn_now);
    for (int i = 0; i < 6; ++i) take_turn(turn, cost);
    const auto [bytes, took] = take_turn(turn, cost);
    EXPECT_GE(took, microseconds(1000)) << nanoseconds;
    EXPECT_LE(took, microseconds(1300)) << nanoseconds;
    EXPECT_GE(bytes, 1'000'000 / static_cast<size_t>(cost.count())) << nanoseconds;
  }
}

TEST(Turn, ReadsNeitherLessNorMoreThanItsBounds) {
  Turn turn(512, 16384, turn_now);
  EXPECT_EQ(turn.size(), 16384U);
  for (int i = 0; i < 20; ++i) take_turn(turn, std::chrono::milliseconds(1));
  EXPECT_EQ(turn.size(), 512U);
  for (int i = 0; i < 20; ++i) take_turn(turn, std::chrono::nanoseconds(1));
  EXPECT_EQ(turn.size(), 16384U);
}

TEST(Work, IsDoneBesideTheLoopAndToldOnIt) {
  Loop loop;
  int result = 0;
  int told = 0;
  Work work(loop, [&result] { result = 42; }, [&] { told = result; });
  EXPECT_TRUE(work);
  EXPECT_EQ(told, 0);
  loop.run();
  EXPECT_EQ(told, 42);
  EXPECT_FALSE(work);
}

TEST(Work, IsToldToHaveEndedThoughItThrew) {
  Loop loop;
  int told = 0;
  const Work work(loop, [] { throw std::bad_alloc(); }, [&told] { ++told; });
  loop.run();
  EXPECT_EQ(told, 1);
}

TEST(Work, TellsNobodyWhoIsGone) {
  Loop loop;
  int told = 0;
  {
    const Work work(loop, [] {}, [&] { ++told; });
  }
  Work kept(loop, [] {}, [&] { told += 10; });
  kept = Work(loop, [] {}, [&] { told += 100; });
  loop.run();
  EXPECT_EQ(told, 100);
}

TEST(Work, ThatWaitsHoldsUpNobodyWhoComputesAndNoMoreWaitThanMay) {
  Loop loop;
  std::promise<void> answer;
  const std::shared_future<void> answered = answer.get_future().share();
  int told = 0;
  std::atomic<int> begun = 0;
  std::atomic<int> waited = 0;
  std::deque<Work> waiting;
  constexpr int threads = 16;
  constexpr int most = threads + 1024;
  const auto wait = [&, answered] {
    ++begun;
    answered.wait();
    ++waited;
  };
  // The first ones have their thread before the others come, so that it is known how many wait.
  for (int i = 0; i < most + 1; ++i) {
    waiting.emplace_back(loop, wait, [&] { ++told; }, Work::Kind::waits);
    while (i < threads && begun <= i) std::this_thread::yield();
  }
  const Work computes(
      loop, [] {},
      [&] {
        EXPECT_EQ(waited, 0);
        answer.set_value();
      });
  loop.run();
  EXPECT_EQ(told, most + 1);
  EXPECT_EQ(waited, most) << "the last one was one too many";
}

}  // namespace
}  // namespace baton
