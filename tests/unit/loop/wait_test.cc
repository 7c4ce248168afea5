// Waiting for time, for several things at once, and for a turn.

#include "baton/loop/wait.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace baton {
namespace {

using namespace std::chrono_literals;

Task<int> number_after(Loop& loop, std::chrono::milliseconds time, int number) {
  co_await sleep(loop, time);
  co_return number;
}
Task<int> fails_after(Loop& loop, std::chrono::milliseconds time, std::string why) {
  co_await sleep(loop, time);
  throw std::runtime_error(why);
}

// What a task came to: its value, or the message of what left it.
template <class T>
std::string outcome_of(Loop& loop, Task<T> task) {
  std::string text;
  const auto tell = [](Task<T> waited, std::string& said) -> Task<> {
    try {
      said = std::to_string(co_await std::move(waited));
    } catch (const std::exception& error) {
      said = error.what();
    }
  };
  start(loop, tell(std::move(task), text));
  loop.run();
  return text;
}
Task<int> sum(Task<std::vector<int>> numbers) {
  int all = 0;
  for (const int number : co_await std::move(numbers)) all = all * 10 + number;
  co_return all;
}

TEST(Sleep, WaitsThatLongAndNothingOfItIsLeftWhenItIsDropped) {
  Loop loop;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(outcome_of(loop, number_after(loop, 20ms, 7)), "7");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 19ms);
  {
    const auto dropped = sleep(loop, 1h);
  }
  loop.run();  // returns
}

TEST(Sleep, ThatIsShorterThanItsLimitEndsWell) {
  Loop loop;
  std::string told;
  sleep(loop, 1ms).within(1h).then([&](Result<void> result) { told += result ? "slept" : "failed"; });
  sleep(loop, 1h).within(1ms).then([&](Result<void> result) { told += result ? "slept" : " timed out"; });
  loop.run();
  EXPECT_EQ(told, "slept timed out");
}

TEST(All, HasTheValuesInTheOrderGiven) {
  Loop loop;
  std::vector<Task<int>> tasks;
  for (int i = 1; i <= 3; ++i) tasks.push_back(number_after(loop, (4 - i) * 5ms, i));
  EXPECT_EQ(outcome_of(loop, sum(all(loop, std::move(tasks)))), "123");
  EXPECT_EQ(outcome_of(loop, sum(all(loop, std::vector<Task<int>>()))), "0");
}

TEST(All, FailsAtOnceWithTheFirstFailure) {
  Loop loop;
  std::vector<Task<int>> tasks;
  tasks.push_back(number_after(loop, 1h, 1));
  tasks.push_back(fails_after(loop, 10ms, "later"));
  tasks.push_back(fails_after(loop, 1ms, "first"));
  std::string told;
  const auto wait = [](Loop& on, Task<std::vector<int>> waited, std::string& said) -> Task<> {
    try {
      co_await std::move(waited);
    } catch (const std::exception& error) {
      said = error.what();
      on.stop();
    }
  };
  start(loop, wait(loop, all(loop, std::move(tasks)), told));
  loop.run();
  EXPECT_EQ(told, "first");
}

TEST(All, TakesOperationsToo) {
  Loop loop;
  std::vector<Op<>> ops;
  for (int i = 0; i < 3; ++i) ops.push_back(sleep(loop, 1ms));
  bool over = false;
  const auto wait = [](Task<> waited, bool& told) -> Task<> {
    co_await std::move(waited);
    told = true;
  };
  start(loop, wait(all(loop, std::move(ops)), over));
  loop.run();
  EXPECT_TRUE(over);
}

TEST(Any, HasTheValueOfTheFirstThatEndsWell) {
  Loop loop;
  std::vector<Task<int>> tasks;
  tasks.push_back(fails_after(loop, 1ms, "a failure"));
  tasks.push_back(number_after(loop, 5ms, 2));
  tasks.push_back(number_after(loop, 30ms, 3));
  EXPECT_EQ(outcome_of(loop, any(loop, std::move(tasks))), "2");
}

TEST(Any, FailsWithTheLastFailureIfNoneDoes) {
  Loop loop;
  std::vector<Task<int>> tasks;
  tasks.push_back(fails_after(loop, 20ms, "last"));
  tasks.push_back(fails_after(loop, 1ms, "first"));
  EXPECT_EQ(outcome_of(loop, any(loop, std::move(tasks))), "last");
  EXPECT_EQ(outcome_of(loop, any(loop, std::vector<Task<int>>())), "any of nothing");
}

TEST(Limiter, LetsSoManyBeAtWorkAndTheOthersInTheOrderTheyCame) {
  Loop loop;
  Limiter two(loop, 2);
  std::size_t most = 0;
  std::string order;
  std::vector<Task<>> jobs;
  const auto job = [&](char name) -> Task<> {
    order += name;
    most = std::max(most, two.running());
    co_await sleep(loop, 1ms);
  };
  for (const char name : std::string("abcdef")) jobs.push_back(two.run([&job, name] { return job(name); }));
  start(loop, all(loop, std::move(jobs)));
  EXPECT_EQ(two.waiting(), 4U);
  loop.run();
  EXPECT_EQ(order, "abcdef");
  EXPECT_EQ(most, 2U);
  EXPECT_EQ(two.running(), 0U);
}

TEST(Limiter, GivesATurnThatNobodyWaitsForAnyMoreToTheNext) {
  Loop loop;
  std::string told;
  Limiter one(loop, 1);
  std::optional<Limiter::Turn> held;
  one.turn().then([&](Result<Limiter::Turn> turn) { held.emplace(std::move(*turn)); });
  {
    const auto given_up = one.turn();
    one.turn().then([&](Result<Limiter::Turn> turn) { told = turn ? "mine" : "never"; });
  }
  loop.run();
  EXPECT_EQ(one.waiting(), 1U);
  held.reset();
  loop.run();
  EXPECT_EQ(told, "mine");
  EXPECT_THROW(Limiter(loop, 0), std::invalid_argument);
}

TEST(Limiter, IsFreeAgainWhenWorkFails) {
  Loop loop;
  Limiter one(loop, 1);
  EXPECT_EQ(outcome_of(loop, one.run([&] { return fails_after(loop, 1ms, "failed"); })), "failed");
  EXPECT_EQ(outcome_of(loop, one.run([&] { return number_after(loop, 1ms, 5); })), "5");
}

}  // namespace
}  // namespace baton
