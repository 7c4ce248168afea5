#include "base/patiently.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <latch>
#include <memory>
#include <new>

namespace baton {
namespace {

using namespace std::chrono_literals;

TEST(Patiently, WaitsForWhatEnds) {
  auto done = std::make_shared<bool>(false);
  EXPECT_TRUE(patiently(1h, [done] { *done = true; }));
  EXPECT_TRUE(*done);
}

TEST(Patiently, DoesNotWaitForWhatIsHeldWhichEndsByItself) {
  const auto held = std::make_shared<std::latch>(1);
  const auto over = std::make_shared<std::latch>(1);
  EXPECT_FALSE(patiently(1ms, [held, over] {
    held->wait();
    over->count_down();
  }));
  EXPECT_FALSE(patiently(10ms, [held] { held->wait(); })) << "nor for the next one";
  held->count_down();
  over->wait();
  EXPECT_TRUE(patiently(1h, [] {}));
}

TEST(Patiently, SaysOfWhatThrewThatItIsNotDone) {
  EXPECT_FALSE(patiently(1h, [] { throw std::bad_alloc(); }));
  EXPECT_TRUE(patiently(1h, [] {}));
}

// With a limit of 16 MiB (`ulimit -d`) there would be none of 8 MiB.
TEST(Patiently, TakesLittleMemoryForItsThread) {
  const auto size = std::make_shared<std::size_t>(0);
  EXPECT_TRUE(patiently(1h, [size] {
    pthread_attr_t of_it;
    ASSERT_EQ(::pthread_getattr_np(::pthread_self(), &of_it), 0);
    ::pthread_attr_getstacksize(&of_it, size.get());
    ::pthread_attr_destroy(&of_it);
  }));
  EXPECT_GT(*size, 0U);
  EXPECT_LE(*size, std::size_t{1} << 20);
}

}  // namespace
}  // namespace baton
