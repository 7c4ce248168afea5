#include "base/spare_text.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace baton {
namespace {

constexpr std::size_t large = std::size_t{64} << 10;

std::string text_of(std::size_t capacity) {
  std::string text;
  text.reserve(capacity);
  text += "what it said";
  return text;
}

// Takes until there is no more; how many there were.
std::size_t take_all() {
  std::vector<std::string> texts;
  while (texts.emplace_back(take_spare_text()).capacity() >= large) {
  }
  return texts.size() - 1;
}

TEST(SpareText, IsTheMemoryOfALargeTextThatIsOver) {
  std::string text = text_of(large);
  const char* const memory = text.data();
  keep_spare_text(std::move(text));
  const std::string next = take_spare_text();
  EXPECT_EQ(next.data(), memory);
  EXPECT_TRUE(next.empty()) << "of what was said before nothing is left";
}

TEST(SpareText, IsAnOrdinaryEmptyTextWhereNoneWasKept) {
  take_all();
  EXPECT_TRUE(take_spare_text().empty());
}

TEST(SpareText, IsNeverMoreThanAMegabyte) {
  take_all();
  for (int i = 0; i < 100; ++i) keep_spare_text(text_of(std::size_t{256} << 10));
  EXPECT_EQ(take_all(), 4U);
  keep_spare_text(text_of((std::size_t{256} << 10) + 1));
  EXPECT_EQ(take_all(), 0U);
}

TEST(SpareText, IsNotMadeOfSmallOnes) {
  take_all();
  keep_spare_text(text_of(1000));
  EXPECT_LT(take_spare_text().capacity(), 1000U);
}

}  // namespace
}  // namespace baton
