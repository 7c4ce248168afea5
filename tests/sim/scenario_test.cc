#include "sim/scenario.h"

#include <gtest/gtest.h>

#include "sim/coverage.h"

namespace baton::sim {
namespace {

/// Fails when a number of 900 or more comes after one of 500 or more.
std::optional<Failure> rising(Random& random) {
  bool high = false;
  for (std::uint32_t i = random.below(50); i > 0; --i) {
    const std::uint32_t number = random.below(1000);
    if (high && number >= 900) return Failure{"it rose"};
    high = high || number >= 500;
  }
  return std::nullopt;
}
constexpr Scenario rising_scenario{"rising", "", rising};

TEST(Random, GivesTheSameChoicesUnderEveryCompiler) {
  Random random(42);
  std::string drawn;
  for (const std::uint32_t n : {10U, 1000U, 1000000U, 4294967295U})
    drawn += std::to_string(random.below(n)) + " ";
  EXPECT_EQ(drawn, "0 378 680043 3971525958 ");
}

TEST(Random, ReplaysItsTapeThenIsQuiet) {
  Tape tape;
  Random random(7);
  random.record(&tape);
  Tape drawn;
  for (std::uint32_t n = 1; n < 40; ++n) drawn.push_back(random.below(n));
  Random again(tape);
  for (std::uint32_t n = 1; n < 40; ++n) EXPECT_EQ(again.below(n), drawn[n - 1]);
  EXPECT_EQ(again.below(1000), 0U);
  EXPECT_FALSE(again.chance(1023));
}

TEST(Scenarios, ShrinkAFailingSeedToItsLeastChoices) {
  const auto failed = run_seeds(rising_scenario, 1, 1000);
  ASSERT_TRUE(failed);
  const Shrunk shrunk = shrink(rising_scenario, failed->seed);
  EXPECT_EQ(to_text(shrunk.tape), "2,500,900");
  EXPECT_TRUE(run_tape(rising_scenario, shrunk.tape));
}

TEST(Scenarios, WriteAndReadTapes) {
  EXPECT_EQ(tape_from_text(to_text({1, 0, 4294967295U})), (Tape{1, 0, 4294967295U}));
  EXPECT_EQ(tape_from_text(""), Tape{});
  EXPECT_FALSE(tape_from_text("1,"));
  EXPECT_FALSE(tape_from_text("1 2"));
}

TEST(Scenarios, AllHoldForTheirFirstSeeds) {
  for (const Scenario& scenario : scenarios()) {
    const auto failed = run_seeds(scenario, 1, 200);
    EXPECT_FALSE(failed) << scenario.name << " seed " << failed->seed << ": " << failed->failure.what;
  }
}

// A storm that never meets what it is about says nothing when it holds.
TEST(Scenarios, MeetEverythingThatTheyAreAbout) {
  coverage() = {};
  for (const Scenario& scenario : scenarios()) (void)run_seeds(scenario, 1, 1500);
  for (std::size_t i = 0; i < met_count; ++i) {
    EXPECT_GT(coverage()[i], 0U) << name_of(static_cast<Met>(i));
  }
}

}  // namespace
}  // namespace baton::sim
