#include "cli/units.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "baton/process/process.h"

namespace baton::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Units, ATimeHasAUnitOrIsMilliseconds) {
  EXPECT_EQ(parse_duration("0"), milliseconds(0));
  EXPECT_EQ(parse_duration("1500"), milliseconds(1500));
  EXPECT_EQ(parse_duration("20ms"), milliseconds(20));
  EXPECT_EQ(parse_duration("5s"), seconds(5));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("2m"), minutes(2));
  EXPECT_EQ(parse_duration("1h"), hours(1));
}

TEST(Units, RefusesWhatIsNoTimeAndSaysWhatOneIs) {
  for (const char* text : {"", "s", "-1", "-1s", "1d", "1 s", "1S", "5sec", "1..2s", ".5s", "1.s", "1e3",
                           "0x10", "nan", "99999999999999h", "999999999999999999999999999"}) {
    const auto result = parse_duration(text);
    ASSERT_FALSE(result) << text;
    EXPECT_TRUE(result.error().starts_with("'" + std::string(text) + "' is not a time")) << result.error();
  }
}

TEST(Units, ABackoffIsTwoTimesTheShorterOneFirst) {
  EXPECT_EQ(parse_backoff("100ms..30s"), std::pair(milliseconds(100), milliseconds(30'000)));
  EXPECT_EQ(parse_backoff("0..0"), std::pair(milliseconds(0), milliseconds(0)));
  for (const char* text : {"100ms", "..", "1s..", "..1s", "2s..1s", "1s...2s", "1s..2s..3s"}) {
    EXPECT_FALSE(parse_backoff(text)) << text;
  }
}

TEST(Units, ASizeIsInBytesOrHasALetter) {
  EXPECT_EQ(parse_size("1048576"), 1048576U);
  EXPECT_EQ(parse_size("1K"), 1024U);
  EXPECT_EQ(parse_size("512M"), 512U << 20);
  EXPECT_EQ(parse_size("512m"), 512U << 20);
  EXPECT_EQ(parse_size("3G"), std::uint64_t{3} << 30);
  for (const char* text : {"", "0", "M", "-1", "1.5G", "1T", "1MB", "1 M", "99999999999G"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Units, SoManyWorkersAreAtLeastOne) {
  EXPECT_EQ(parse_workers("max"), available_parallelism());
  EXPECT_EQ(parse_workers("3"), 3U);
  for (const char* text : {"0", "-1", "", "many", "2x", "1.5", "10001", "99999999999"}) {
    EXPECT_FALSE(parse_workers(text)) << text;
  }
}

TEST(Units, ASignalHasANameOrANumber) {
  EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
  EXPECT_EQ(parse_signal("int"), SIGINT);
  EXPECT_EQ(parse_signal("15"), 15);
  for (const char* text : {"", "0", "99", "SIGNOTHING"}) EXPECT_FALSE(parse_signal(text)) << text;
}

}  // namespace
}  // namespace baton::cli
