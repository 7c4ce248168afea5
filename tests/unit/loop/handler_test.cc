// Coroutines as callbacks, and tasks that are waited for after they were started.

#include "baton/loop/handler.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/thrown.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/loop/timer.h"
#include "baton/loop/wait.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

TEST(Handler, MayBeACoroutineForATimerADeferredCallAndAnOutcome) {
  Loop loop;
  std::string told;
  const Timer timer(loop, 1ms, [&]() -> Task<> {
    co_await sleep(loop, 1ms);
    told += "timer ";
  });
  loop.defer([&]() -> Task<> {
    told += "deferred ";
    co_return;
  });
  sleep(loop, 10ms).then([&](Result<void> /*slept*/) -> Task<> {
    co_await sleep(loop, 1ms);
    told += "outcome";
  });
  loop.run();
  EXPECT_EQ(told, "deferred timer outcome");
}

TEST(Handler, KeepsWhatItCapturedUntilTheLastOfItsTasksHasEnded) {
  Loop loop;
  auto captured = std::make_shared<std::string>("still here");
  const std::weak_ptr<std::string> watched = captured;
  std::string told;
  {
    Timer timer(loop, 0ms, [&loop, &told, captured = std::move(captured)]() -> Task<> {
      co_await sleep(loop, 5ms);
      told = *captured;
    });
    sleep(loop, 1ms).then([gone = std::make_shared<Timer>(std::move(timer))](Result<void> /*slept*/) {});
  }
  loop.run();
  EXPECT_EQ(told, "still here");
  EXPECT_TRUE(watched.expired());
}

TEST(Handler, SendsWhatLeavesItsTaskWhereExceptionsOfCallbacksGo) {
  Loop loop;
  std::string told;
  loop.on_uncaught([&](const std::exception_ptr& thrown) { told += what_of(thrown) + ";"; });
  loop.defer([]() -> Task<> {
    throw std::runtime_error("at once");
    co_return;
  });
  loop.defer([&]() -> Task<> {
    co_await sleep(loop, 1ms);
    throw std::runtime_error("later");
  });
  loop.run();
  EXPECT_EQ(told, "at once;later;");
}

TEST(Handler, OfExceptionsThatThrowsOneItselfEndsTheLoopWithThat) {
  for (const bool as_a_task : {false, true}) {
    Loop loop;
    if (as_a_task) {
      loop.on_uncaught([](const std::exception_ptr& /*thrown*/) -> Task<> {
        throw std::logic_error("of the handler");
        co_return;
      });
    } else {
      loop.on_uncaught(
          [](const std::exception_ptr& /*thrown*/) { throw std::logic_error("of the handler"); });
    }
    loop.defer([] { throw std::runtime_error("first"); });
    EXPECT_THROW(loop.run(), std::logic_error);
  }
}

TEST(Handler, OfNobodyIsCalledByNobody) {
  Handler<>::Function function = Handler<>(nullptr);
  EXPECT_FALSE(function);
  function = Handler<>();
  EXPECT_FALSE(function);
  function = Handler<>(static_cast<Task<> (*)()>(nullptr));
  EXPECT_FALSE(function);
}

Task<std::string> says(Loop& loop, std::string text) {
  co_await sleep(loop, 1ms);
  if (text.empty()) throw std::runtime_error("nothing to say");
  co_return text;
}

TEST(Started, CanBeWaitedForBeforeAndAfterItsEnd) {
  Loop loop;
  std::string told;
  const auto wait = [](Loop& on, std::string& said) -> Task<> {
    auto early = start(on, says(on, "early"));
    auto late = start(on, says(on, "late"));
    said += co_await std::move(early);
    co_await sleep(on, 10ms);
    said += late.done() ? " done " : " not done ";
    said += co_await std::move(late);
    auto failing = start(on, says(on, ""));
    try {
      co_await std::move(failing);
    } catch (const std::runtime_error& error) {
      said += std::string(" ") + error.what();
    }
  };
  start(loop, wait(loop, told));
  loop.run();
  EXPECT_EQ(told, "early done late nothing to say");
}

TEST(Started, TellsAFailureThatNobodyWaitsFor) {
  Loop loop;
  int told = 0;
  loop.on_uncaught([&](const std::exception_ptr& /*thrown*/) { ++told; });
  start(loop, says(loop, ""));
  loop.run();
  EXPECT_EQ(told, 1);
  {
    const auto held = start(loop, says(loop, ""));
    loop.run();
    EXPECT_EQ(told, 1) << "somebody may still wait for it";
  }
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace baton
