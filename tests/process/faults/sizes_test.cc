// Lines that are too long: rows 4 to 6 of the faults of the channel.

#include <gtest/gtest.h>

#include <string>

#include "process/either_end.h"
#include "process/faults/limits.h"

namespace baton::test {
namespace {

class Sizes : public EitherEnd {
 protected:
  /// A string whose JSON has `size` bytes.
  static std::string text_of(size_t size) {
    std::string text(size, 'x');
    text.front() = text.back() = '"';
    return text;
  }
  /// Writes until it is enough, or our end takes no more.
  void flood(size_t size) {
    const std::string piece(mebibyte, 'x');
    for (size_t sent = 0; sent < size && channel.write(piece); sent += piece.size()) {
    }
  }
  void expect_refused() {
    expect_report("a frame of over 67108864 bytes: message too large");
    expect_channel_ended();
    expect_memory_below(most_memory);
  }
};
INSTANTIATE_TEST_SUITE_P(, Sizes, testing::Values(OurEnd::child, OurEnd::parent), name_of_end);

// Row 4
TEST_P(Sizes, AMessageUnderTheLimitComesThroughWhole) {
  const std::string text = text_of(limit - std::string_view("{\"echo\":}").size());
  ASSERT_TRUE(channel.line(text));
  const auto got = ours_is_child() ? channel.next_line() : ours.output.next();
  EXPECT_TRUE(got == (ours_is_child() ? "{\"echo\":" + text + "}" : text));
  expect_goes_on();
}

// Row 4
TEST_P(Sizes, AMessageOfExactlySixtyFourMebibytesIsReceived) {
  const std::string text = text_of(limit);
  ASSERT_TRUE(channel.line(text));
  if (ours_is_child()) {
    expect_report("send: 67108873 bytes: message too large");  // the echo of it would be larger
  } else {
    EXPECT_TRUE(ours.output.next() == text);
  }
  expect_goes_on();
}

// Row 4
TEST_P(Sizes, AMessageOfOneByteMoreEndsTheChannel) {
  channel.line(text_of(limit + 1));
  expect_refused();
}

// Row 4
TEST_P(Sizes, AMessageOfThreeHundredMebibytesEndsTheChannel) {
  channel.write("\"");
  flood(300 * mebibyte);
  channel.line("\"");
  expect_refused();
}

// Row 5
TEST_P(Sizes, AMessageOfSixHundredMebibytesIsOneReport) {
  channel.write("\"");
  flood(600 * mebibyte);
  channel.line("\"");
  expect_refused();
}

// Row 6
TEST_P(Sizes, BytesWithoutAnyEndOfLineEndTheChannelAtTheLimit) {
  flood(300 * mebibyte);
  expect_refused();
}

// Row 6
TEST_P(Sizes, JustUnderTheLimitAndThenSilenceIsWaitedFor) {
  channel.write("\"");
  flood(limit - 2 * mebibyte);
  channel.line("\"");
  const auto got = ours_is_child() ? channel.next_line() : ours.output.next();
  ASSERT_TRUE(got);
  EXPECT_GT(got->size(), limit - 2 * mebibyte);
  expect_goes_on();
}

// Tiny values take twenty times the memory of their bytes.
TEST_P(Sizes, AFrameOfTinyValuesTakesNoMoreThanEightTimesItsSize) {
  constexpr size_t size = 16 * mebibyte;
  for (const std::string_view value : {"[],", "1,", "[1],"}) {
    std::string line = "[";
    while (line.size() + value.size() < size) line += value;
    ASSERT_TRUE(channel.line(line + "1]"));
    expect_report("the value takes more than 1342");
    expect_goes_on();
  }
  expect_memory_below(8 * size + 3 * size + 32 * mebibyte);
}

}  // namespace
}  // namespace baton::test
