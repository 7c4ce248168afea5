#include "supervisor/usage_looks.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <utility>
#include <vector>

namespace baton::supervisor {
namespace {

constexpr pid_t holds = 7;
std::counting_semaphore<16> released{0};

Usage look_at(pid_t pid, unsigned slot) {
  if (pid == holds) released.acquire();
  return Usage::brief(pid, slot);
}

class Measured : public testing::Test {
 protected:
  // Who was measured, of these.
  std::vector<pid_t> measure(const std::vector<pid_t>& whom) {
    std::vector<UsageLooks::Whom> all;
    for (const pid_t pid : whom) all.emplace_back(1U, pid);
    std::vector<pid_t> found;
    looks.measure(all, [&](const std::vector<Usage>& usage) {
      for (const Usage& one : usage) found.push_back(one.pid());
    });
    EXPECT_TRUE(looks.busy());
    loop.run();
    EXPECT_FALSE(looks.busy());
    return found;
  }

  Loop loop;
  UsageLooks looks{loop, look_at};
};

using Pids = std::vector<pid_t>;

TEST_F(Measured, AreAllInTheirOrder) { EXPECT_EQ(measure({3, 1, 2}), (Pids{3, 1, 2})); }

TEST_F(Measured, AreNotThoseWhoHoldWhoeverLooksAtThemUntilTheyDoNotAnyMore) {
  EXPECT_EQ(measure({1, holds, 2}), (Pids{1, 2}));
  const auto begin = loop.now();
  EXPECT_EQ(measure({1, holds, 2}), (Pids{1, 2}));
  EXPECT_LT(loop.now() - begin, std::chrono::seconds(2)) << "it is not waited for again";
  released.release(2);
  while (measure({holds}).empty()) released.release();
}

TEST_F(Measured, AreNobodyIfNobodyWasAskedFor) { EXPECT_EQ(measure({}), Pids{}); }

}  // namespace
}  // namespace baton::supervisor
