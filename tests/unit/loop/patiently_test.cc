#include "base/patiently.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>

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

}  // namespace
}  // namespace baton
