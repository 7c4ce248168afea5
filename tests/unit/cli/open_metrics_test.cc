#include "cli/open_metrics.h"

#include <gtest/gtest.h>

namespace baton::cli {
namespace {

using Type = OpenMetrics::Type;

TEST(OpenMetrics, SaysTypeUnitAndHelpBeforeTheValuesAndEndsWithEof) {
  OpenMetrics out;
  out.family("app_up", Type::gauge, "", "Whether.");
  out.add({}, std::uint64_t{1});
  out.family("cpu_seconds", Type::counter, "seconds", "How long.");
  out.add({{"worker", "1"}}, 0.5);
  out.add({{"worker", "2"}, {"kind", "b"}}, 12.0);
  EXPECT_EQ(out.finish(),
            "# TYPE app_up gauge\n"
            "# HELP app_up Whether.\n"
            "app_up 1\n"
            "# TYPE cpu_seconds counter\n"
            "# UNIT cpu_seconds seconds\n"
            "# HELP cpu_seconds How long.\n"
            "cpu_seconds_total{worker=\"1\"} 0.5\n"
            "cpu_seconds_total{worker=\"2\",kind=\"b\"} 12\n"
            "# EOF\n");
}

TEST(OpenMetrics, EscapesWhatStandsInQuotes) {
  OpenMetrics out;
  out.family("x", Type::gauge, "", "a \"b\"\nc\\d");
  out.add({{"l", "a\"b\\c\nd"}}, std::uint64_t{0});
  EXPECT_EQ(out.finish(),
            "# TYPE x gauge\n# HELP x a \\\"b\\\"\\nc\\\\d\nx{l=\"a\\\"b\\\\c\\nd\"} 0\n# EOF\n");
}

TEST(OpenMetrics, ASummaryHasACountAndASum) {
  OpenMetrics out;
  out.family("ready_seconds", Type::summary, "seconds", "h");
  out.add(std::uint64_t{3}, 0.75);
  EXPECT_TRUE(out.finish().contains("\nready_seconds_count 3\nready_seconds_sum 0.75\n"));
}

}  // namespace
}  // namespace baton::cli
