#include "baton/loop/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "baton/base/error.h"
#include "baton/loop/op.h"
#include "baton/loop/signal.h"
#include "baton/loop/task.h"
#include "baton/loop/timer.h"

namespace baton {
namespace {

using std::chrono::milliseconds;

TEST(Loop, ReturnsAtOnceWhenNothingIsWaitedFor) {
  Loop loop;
  loop.run();
}

TEST(Loop, SaysThatTheProcessMayNotHaveItsDescriptors) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(STDIN_FILENO);
  ::close(next);
  const rlimit few{static_cast<rlim_t>(next) + 4, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  try {
    const Loop loop;
    ADD_FAILURE() << "there is one";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::too_many_files_open) << error.what();
  }
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  Loop loop;
  loop.run();
}

TEST(Loop, RunsDeferredCallsInOrderAndBeforeTheNextTimer) {
  Loop loop;
  std::string order;
  Timer first(loop, milliseconds(0), [&] {
    order += 'a';
    loop.defer([&] {
      order += 'b';
      loop.defer([&] { order += 'c'; });
    });
  });
  Timer second(loop, milliseconds(0), [&] { order += 'd'; });
  loop.run();
  EXPECT_EQ(order, "abcd");
}

TEST(Loop, DoesNotWaitForAnUnrefdTimer) {
  Loop loop;
  bool fired = false;
  Timer timer(loop, std::chrono::hours(1), [&] { fired = true; });
  timer.unref();
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(Loop, RemembersWhatIsOverUntilThatIsTooMany) {
  Loop loop;
  std::vector<std::weak_ptr<int>> all;
  const auto remember = [&](int count, std::size_t bytes) {
    all.clear();
    for (int i = 0; i < count; ++i) {
      const auto object = std::make_shared<int>(i);
      all.emplace_back(object);
      loop.remember(object, bytes);
    }
    return std::ranges::count_if(all, [](const auto& one) { return !one.expired(); });
  };
  EXPECT_EQ(remember(2000, 100), 1024);
  EXPECT_EQ(remember(2000, std::size_t{1} << 20), 8) << "MiB";
  EXPECT_EQ(remember(2, std::size_t{1} << 30), 1) << "who is over now may still be asked";
}

TEST(Loop, ShowsInOneLineWhatItTellsOfAStranger) {
  testing::internal::CaptureStderr();
  {
    Loop loop;
    loop.report("it says \x1b[2J\n" + std::string(100'000, 'x'));
  }
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(line.starts_with("baton: it says \\x1b[2J\\x0axxx")) << line.substr(0, 100);
  EXPECT_TRUE(line.ends_with("... (100013 bytes)\n")) << line.substr(line.size() - 100);
}

TEST(Loop, RethrowsWhatLeavesACallbackAndCanRunAgain) {
  Loop loop;
  bool later = false;
  Timer thrower(loop, milliseconds(0), [] { throw std::runtime_error("asked to"); });
  Timer other(loop, milliseconds(1), [&] { later = true; });
  EXPECT_THROW(loop.run(), std::runtime_error);
  loop.run();
  EXPECT_TRUE(later);
}

TEST(Loop, GoesOnWhenSomebodyTakesTheUncaughtException) {
  Loop loop;
  std::string caught;
  bool later = false;
  loop.on_uncaught([&](std::exception_ptr exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      caught = error.what();
    }
  });
  Timer thrower(loop, milliseconds(0), [] { throw std::runtime_error("asked to"); });
  Timer other(loop, milliseconds(1), [&] { later = true; });
  loop.run();
  EXPECT_EQ(caught, "asked to");
  EXPECT_TRUE(later);
}

TEST(Timer, RepeatsUntilItIsDestroyedFromItsOwnCallback) {
  Loop loop;
  int count = 0;
  Timer timer;
  timer = Timer::every(loop, milliseconds(1), [&] {
    if (++count == 3) timer.stop();
  });
  loop.run();
  EXPECT_EQ(count, 3);
}

TEST(Signal, IsDeliveredFromTheLoop) {
  Loop loop;
  int got = 0;
  SignalWatcher watcher(loop, SIGUSR1, [&](int number) {
    got = number;
    loop.stop();
  });
  watcher.ref();
  loop.defer([] { raise(SIGUSR1); });
  loop.run();
  EXPECT_EQ(got, SIGUSR1);
}

TEST(Signal, RefusesWhatCannotBeCaught) {
  Loop loop;
  EXPECT_THROW(SignalWatcher(loop, SIGKILL, [](int) {}), Error);
}

TEST(Op, CallsBackLaterEvenIfTheOutcomeIsThere) {
  Loop loop;
  Promise<int> promise(loop);
  promise.resolve(7);
  int got = 0;
  promise.op().then([&](Result<int> result) { got = result.value(); });
  EXPECT_EQ(got, 0);
  loop.run();
  EXPECT_EQ(got, 7);
}

TEST(Op, TellsTheOwnerOfAFailureThatNobodyWaitsFor) {
  Loop loop;
  Promise<int> promise(loop);
  std::string told;
  promise.on_orphan([&](const Error& error) { told = error.what(); });
  {
    auto dropped = promise.op();
  }
  EXPECT_FALSE(promise.wanted());
  EXPECT_FALSE(promise.resolve(failure(EPIPE, "send", "sendmsg")));
  loop.run();
  EXPECT_EQ(told, "send: sendmsg: broken pipe");
}

TEST(Op, FailsWithTimedOutAndThenWantsNoOutcome) {
  Loop loop;
  Promise<int> promise(loop);
  std::error_code code;
  promise.op().within(milliseconds(1)).then([&](Result<int> result) { code = result.error().code(); });
  loop.run();
  EXPECT_EQ(code, Errc::timed_out);
  EXPECT_FALSE(promise.wanted());
  EXPECT_FALSE(promise.resolve(1));
}

TEST(Op, FailsWithCancelledWhenTheTokenStops) {
  Loop loop;
  Promise<int> promise(loop);
  std::stop_source source;
  std::error_code code;
  promise.op().cancel_on(source.get_token()).then([&](Result<int> result) { code = result.error().code(); });
  source.request_stop();
  loop.run();
  EXPECT_EQ(code, Errc::cancelled);
}

Task<int> add_later(Loop& loop, int a, int b) {
  Promise<int> promise(loop);
  Timer timer(loop, milliseconds(1), [&] { promise.resolve(b); });
  const int got = co_await promise.op();
  co_return a + got;
}

TEST(Task, AwaitsOperationsAndOtherTasks) {
  Loop loop;
  int sum = 0;
  auto program = [](Loop& on, int& result) -> Task<> {
    for (int i = 0; i < 3; ++i) result += co_await add_later(on, i, 10);
  };
  start(loop, program(loop, sum));
  loop.run();
  EXPECT_EQ(sum, 33);
}

TEST(Task, ThrowsTheFailureOfAnOperation) {
  Loop loop;
  Promise<void> promise(loop);
  std::string caught;
  auto program = [](Promise<void>& from, std::string& text) -> Task<> {
    try {
      co_await from.op();
    } catch (const Error& error) {
      text = error.what();
    }
  };
  start(loop, program(promise, caught));
  promise.resolve(failure(ENOENT, "open x"));
  loop.run();
  EXPECT_EQ(caught, "open x: no such file or directory");
}

TEST(Task, SendsItsExceptionWhereThoseOfCallbacksGo) {
  Loop loop;
  auto program = [](Loop& on) -> Task<> {
    Promise<void> promise(on);
    promise.resolve({});
    co_await promise.op();
    throw std::runtime_error("asked to");
  };
  start(loop, program(loop));
  EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(Task, IsDestroyedWithTheLoopWhenStillSuspended) {
  struct Witness {
    explicit Witness(bool& f) : flag(f) {}
    ~Witness() { flag = true; }
    bool& flag;
  };
  bool destroyed = false;
  {
    Loop loop;
    Promise<void> never(loop);
    auto program = [](Promise<void>& promise, bool& flag) -> Task<> {
      Witness witness(flag);
      co_await promise.op();
    };
    start(loop, program(never, destroyed));
    loop.run();
    EXPECT_FALSE(destroyed);
    loop.drop_frames();
  }
  EXPECT_TRUE(destroyed);
}

TEST(Task, DoesNotGrowTheStackWithTheNumberOfSteps) {
  Loop loop;
  int64_t sum = 0;
  auto ready = [](int i) -> Task<int> { co_return i; };
  auto program = [](auto& step, int64_t& total) -> Task<> {
    for (int i = 0; i < 200000; ++i) total += co_await step(i);
  };
  start(loop, program(ready, sum));
  loop.run();
  EXPECT_EQ(sum, 199999LL * 200000 / 2);
}

TEST(Signal, CanBeWaitedFor) {
  Loop loop;
  int first = 0;
  next_signal(loop, SIGUSR1, SIGUSR2).then([&](Result<int> number) { first = number.value_or(0); });
  loop.defer([] { raise(SIGUSR2); });
  loop.run();
  EXPECT_EQ(first, SIGUSR2);
  std::string said;
  next_signal(loop, SIGUSR1).within(milliseconds(1)).then([&](Result<int> number) {
    said = number ? "it came" : number.error().what();
  });
  {
    const auto dropped = next_signal(loop, SIGUSR1);
  }
  loop.run();
  EXPECT_EQ(said, "a signal: timed out");
  EXPECT_EQ(signal(SIGUSR1, SIG_DFL), SIG_DFL) << "somebody still watches it";
  EXPECT_THROW(std::ignore = next_signal(loop, SIGKILL), Error);
}

}  // namespace
}  // namespace baton
