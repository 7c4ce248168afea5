// What becomes of exceptions: of callbacks, of tasks, and of waits that are no more.

#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>

#include "base/thrown.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/loop/serving.h"
#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "loop/served.h"

namespace baton {
namespace {

std::unexpected<Error> failure_of_a_job() { return failure(Errc::disconnected, "resize"); }

Task<> throws_at_once() {
  throw std::runtime_error("at once");
  co_return;
}

TEST(Loop, EndsAtOnceWithWhatATaskThrewBeforeItsFirstWait) {
  Loop loop;
  const Timer keeps_it_running(loop, std::chrono::hours(1), [] {});
  start(loop, throws_at_once());
  EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(Loop, ReturnsAtOnceWhenItWasStoppedBefore) {
  Loop loop;
  Timer timer(loop, std::chrono::milliseconds(0), [&] { loop.stop(); });
  loop.stop();
  loop.run();
  EXPECT_TRUE(timer.active());
  loop.run();
  EXPECT_FALSE(timer.active());
}

TEST(Loop, LetsTheTakerOfExceptionsReplaceItself) {
  Loop loop;
  std::string told;
  loop.on_uncaught([&, name = std::string("the first, which is long enough to be on the heap")](auto) {
    loop.on_uncaught([&](const std::exception_ptr&) { told += " and the second"; });
    told += name;
  });
  loop.defer([] { throw std::runtime_error("one"); });
  loop.defer([] { throw std::runtime_error("two"); });
  loop.run();
  EXPECT_EQ(told, "the first, which is long enough to be on the heap and the second");
}

TEST(Task, ThatWasWaitedForBeforeSaysSo) {
  Loop loop;
  std::string told;
  loop.on_uncaught([&](const std::exception_ptr& exception) { told = what_of(exception); });
  const auto twice = []() -> Task<> {
    Task<> once = []() -> Task<> { co_return; }();
    co_await std::move(once);
    co_await std::move(once);  // NOLINT(bugprone-use-after-move)
  };
  start(loop, twice());
  loop.run();
  EXPECT_EQ(told, "this task was waited for before, or moved away");
}

TEST(Task, GivesItsFailureToWhoStartedItForThat) {
  Loop loop;
  bool uncaught = false;
  std::string failure;
  loop.on_uncaught([&](const std::exception_ptr&) { uncaught = true; });
  Promise<> never(loop);
  const auto job = [](Op<> op) -> Task<> { co_await std::move(op); };
  start(loop, job(never.op()), [&](const std::exception_ptr& why) { failure = what_of(why); });
  never.resolve(failure_of_a_job());
  loop.run();
  EXPECT_EQ(failure, "resize: disconnected");
  EXPECT_FALSE(uncaught);
}

TEST(Op, ThatWasWaitedForBeforeSaysSo) {
  Loop loop;
  Promise<> promise(loop);
  Op<> op = promise.op();
  std::move(op).then([](const Result<void>&) {});
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_THROW(std::move(op).then([](const Result<void>&) {}), std::logic_error);
  EXPECT_THROW(std::ignore = std::move(op).within(std::chrono::seconds(1)), std::logic_error);
  EXPECT_THROW(std::ignore = std::move(op).cancel_on(std::stop_token()), std::logic_error);
  EXPECT_THROW(std::ignore = std::move(op).operator co_await(), std::logic_error);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_THROW(std::ignore = promise.op(), std::logic_error);
}

TEST(Op, TellsNobodyOfItsFailureInsideTheDestructorThatDropsIt) {
  Loop loop;
  std::string order;
  std::string caught;
  loop.on_uncaught([&](const std::exception_ptr& exception) { caught = what_of(exception); });
  Promise<> promise(loop);
  promise.on_orphan([&](const Error&) {
    order += "told";
    throw std::runtime_error("as it was told");
  });
  {
    const Op<> dropped = promise.op();
    promise.resolve(failure_of_a_job());
  }
  order += "dropped, ";
  loop.run();
  EXPECT_EQ(order, "dropped, told");
  EXPECT_EQ(caught, "as it was told");
}

// --- what serves one of many

TEST(Serving, IsAFunctionOrACoroutine) {
  std::string got;
  Loop loop;
  Serving<int> function([&](int number) { got += std::to_string(number); });
  Serving<int> coroutine([&](int number) -> Task<> {
    got += std::to_string(number);
    co_return;
  });
  EXPECT_FALSE(function(1));
  auto task = coroutine(2);
  ASSERT_TRUE(task);
  EXPECT_EQ(got, "1");
  start(loop, std::move(*task));
  EXPECT_EQ(got, "12");
}

TEST(Serving, MayBeNobody) {
  EXPECT_FALSE(Serving<int>());
  EXPECT_FALSE(Serving<int>(nullptr));
  EXPECT_FALSE(Serving<int>(std::function<void(int)>()));
  EXPECT_FALSE(Serving<int>(static_cast<void (*)(int)>(nullptr)));
}

TEST(Serving, KeepsWhatALambdaHasCapturedUntilItsLastTaskHasEnded) {
  Loop loop;
  Promise<> go_on(loop);
  std::string got;
  std::string failure;
  auto text = std::make_shared<std::string>("there");
  const std::weak_ptr<std::string> alive = text;
  {
    auto callback = served(loop, Serving<int>([&got, &go_on, text = std::move(text)](int) -> Task<> {
                             co_await go_on.op();
                             got = *text;
                             throw std::runtime_error("at the end");
                           }),
                           [&](const std::exception_ptr& why) { failure = what_of(why); });
    callback(1);
  }
  EXPECT_FALSE(alive.expired());
  go_on.resolve({});
  loop.run();
  EXPECT_EQ(got, "there");
  EXPECT_EQ(failure, "at the end");
  EXPECT_TRUE(alive.expired());
}

TEST(Thrown, IsAnErrorWithTheMessageAndTheCodeThatItHas) {
  const auto of = [](auto exception) {
    return thrown_by("answer GET /", std::make_exception_ptr(std::move(exception)));
  };
  const Error error = of(Error(EIO, "read the file", "pread"));
  EXPECT_STREQ(error.what(), "answer GET /: read the file: pread: input/output error");
  EXPECT_EQ(error.code(), std::errc::io_error);
  EXPECT_STREQ(of(std::bad_expected_access<Error>(Error(EIO, "read", "pread"))).what(),
               "answer GET /: read: pread: input/output error");
  EXPECT_EQ(of(std::runtime_error("no tea")).code(), Errc::exception_thrown);
  EXPECT_STREQ(of(std::runtime_error("no tea")).what(),
               "answer GET /: no tea: an exception that nobody caught");
  EXPECT_STREQ(of(1).what(),
               "answer GET /: an exception that is no std::exception: an exception that nobody caught");
}

}  // namespace
}  // namespace baton
