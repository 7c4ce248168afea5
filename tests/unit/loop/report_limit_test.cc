#include "base/report_limit.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/excerpt.h"
#include "loop/limited_reports.h"

namespace baton {
namespace {

using std::chrono::milliseconds;

TEST(ReportLimit, TellsTheFirstOfAKindInASecondAndCountsTheRest) {
  ReportLimit limit;
  int told = 0;
  for (int i = 0; i < 12'365; ++i) told += limit.admits("bad message", milliseconds(5)) ? 1 : 0;
  EXPECT_EQ(told, 20);
  EXPECT_TRUE(limit.admits("another kind", milliseconds(5)));
  EXPECT_EQ(limit.due(), milliseconds(1005));
  EXPECT_FALSE(limit.over(milliseconds(1004)));
  EXPECT_TRUE(limit.over(milliseconds(1005)));
  const auto rests = limit.rests();
  ASSERT_EQ(rests.size(), 1U);
  EXPECT_EQ(rests[0].text(), "and 12,345 more in the last second: bad message");
  EXPECT_FALSE(limit.due());
  EXPECT_TRUE(limit.admits("bad message", milliseconds(1005)));
}

TEST(ReportLimit, IsNotCircumventedByKindsWithoutNumber) {
  ReportLimit limit;
  int told = 0;
  for (int i = 0; i < 100'000; ++i) {
    told += limit.admits("kind " + std::to_string(i) + std::string(10'000, 'x'), milliseconds(1)) ? 1 : 0;
  }
  EXPECT_LE(told, 40);
  size_t bytes = 0;
  for (const auto& rest : limit.rests()) bytes += rest.text().size();
  EXPECT_LE(bytes, 8192U);
}

TEST(LimitedReports, AreShortAndFewAndTellHowManyThereWereBesideThem) {
  Loop loop;
  std::vector<std::string> lines;
  LimitedReports reports(loop, [&](std::string_view line) { lines.emplace_back(line); });
  for (int i = 0; i < 1000; ++i) {
    reports.report(Error(make_error_code(Errc::bad_message), "receive", std::string(5000, 'x')));
  }
  reports.finish();
  ASSERT_EQ(lines.size(), 21U);
  EXPECT_LT(lines[0].size(), 1100U);
  EXPECT_TRUE(lines[0].starts_with("receive: xxx")) << lines[0];
  EXPECT_TRUE(lines[20].starts_with("and 980 more in the last second: receive: ")) << lines[20];
}

TEST(Excerpt, CutsNoCharacterAndSaysHowLongTheTextWas) {
  EXPECT_EQ(excerpt("short"), "short");
  EXPECT_EQ(excerpt("h\xc3\xa4h\xc3\xa4", 2), "h... (6 bytes)");
  EXPECT_EQ(excerpt("h\xc3\xa4h\xc3\xa4", 3), "h\xc3\xa4... (6 bytes)");
  EXPECT_EQ(excerpt(std::string(2000, '\x80')).size(), 1024 - 3 + std::string("... (2000 bytes)").size());
}

}  // namespace
}  // namespace baton
