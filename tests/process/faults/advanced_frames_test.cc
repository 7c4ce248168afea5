// Bytes that are no messages of advanced serialization, or unusual ones: row 10 of the faults of the channel,
// and what the rows about lines (1, 3 to 7) are where a message begins with its length.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "process/either_end.h"
#include "process/faults/limits.h"

namespace baton::test {
namespace {

using namespace std::string_literals;

constexpr size_t memory_of_a_program = 32 * mebibyte;
// "hello", with which each test begins.
const std::string after_hello = "frame at byte 13: ";

class AdvancedFrames : public EitherEnd {
 protected:
  /// A frame of these bytes after V8's header.
  static std::string frame(const std::string& body) { return RawChannel::with_length("\xff\x0f" + body); }
  static std::string length(uint32_t bytes) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(bytes >> shift);
    return text;
  }
  /// The frame of a text; it has `size` bytes without its length.
  static std::string text_of(size_t size) {
    std::string varint;
    // Two bytes of header, one of the tag, four of a length from 2 MiB to 256 MiB.
    const size_t count = size - 7;
    for (size_t left = count, i = 0; i < 4; ++i, left >>= 7) {
      varint += static_cast<char>((left & 0x7f) | (i < 3 ? 0x80 : 0));
    }
    return frame("\"" + varint + std::string(count, 'x'));
  }
  void expect_refused(uint32_t bytes) {
    channel.write(length(bytes) + "\xff\x0f");
    expect_report("a frame of over 67108864 bytes: message too large");
    expect_channel_ended();
    expect_memory_below(memory_of_a_program);
  }
  /// One report each, nothing is delivered, and nothing is taken on trust.
  void expect_each_refused(const std::vector<std::string>& frames, std::string_view report) {
    for (const std::string& bytes : frames) {
      channel.write(bytes);
      expect_report(report);
      expect_goes_on();
    }
    expect_memory_below(memory_of_a_program);
  }
};
INSTANTIATE_TEST_SUITE_P(, AdvancedFrames, testing::Values(OurEnd::advanced_child, OurEnd::advanced_parent),
                         name_of_end);

// Row 10: a reader that takes the length for a signed number waits for less than nothing.
TEST_P(AdvancedFrames, ALengthWithTheHighestBitEndsTheChannel) { expect_refused(0x80000000); }
TEST_P(AdvancedFrames, ALengthOfAllOnesEndsTheChannel) { expect_refused(0xffffffff); }
TEST_P(AdvancedFrames, ALengthJustUnderTheSignEndsTheChannel) { expect_refused(0x7fffffff); }
TEST_P(AdvancedFrames, ALengthOfOneByteOverTheLimitEndsTheChannel) { expect_refused(limit + 1); }

// Row 10
TEST_P(AdvancedFrames, ALengthOverTheLimitEndsTheChannelThoughItComesByteByByte) {
  for (const char byte : length(0x80000000)) channel.write(std::string_view(&byte, 1));
  expect_report("a frame of over 67108864 bytes: message too large");
  expect_channel_ended();
}

// Row 10
TEST_P(AdvancedFrames, ALengthOfZeroIsOneReport) {
  channel.write(length(0));
  expect_report(after_hello + "nothing: ");
  expect_goes_on();
}

// Row 10
TEST_P(AdvancedFrames, SixteenLengthsOfZeroInARowEndTheChannel) {
  for (int i = 0; i < 17; ++i) channel.write(length(0));
  for (int i = 0; i < 16; ++i) expect_report(": nothing: ");
  expect_report("too many bad frames in a row");
  expect_channel_ended();
}

// Row 1
TEST_P(AdvancedFrames, BytesThatAreNoValueAreReportedAndDropped) {
  channel.write(frame("Q"));
  expect_report(after_hello + "ff0f51: ");
  expect_each_refused(
      {
          RawChannel::with_length("{\"cmd\":\"NODE_HANDLE\"}"),
          RawChannel::with_length("\xff"),
          RawChannel::with_length("\xff\x0c"
                                  "0"),
          RawChannel::with_length("\xff\x11"
                                  "0"),
          frame(""),
          frame("I\xff\xff\xff\xff\xff\xff"),
          frame("o\"\1a"),
          frame("^\0"s),
          frame("\\\2"),
      },
      "not a message");
}

// Row 1: sizes inside a frame that its bytes cannot have.
TEST_P(AdvancedFrames, SizesThatAreNotSoAreReportedBeforeAnythingIsTakenForThem) {
  std::vector<std::string> frames;
  for (const std::string& kind : {"\""s, "c"s, "S"s, "B"s, "Z"s, "A"s, "\\\0\x0a"s}) {
    frames.push_back(frame(kind + "\xff\xff\xff\xff\x0f"));
  }
  expect_each_refused(frames, "not a message");
}

// Row 1
TEST_P(AdvancedFrames, OnlyTheBeginningOfABadFrameIsReported) {
  channel.write(frame("Q" + std::string(100000, 'x')));
  std::string shown = "ff0f51";
  for (int i = 0; i < 29; ++i) shown += "78";
  expect_report(after_hello + shown + ": ");
  expect_goes_on();
}

// Row 1
TEST_P(AdvancedFrames, FifteenBadFramesInARowAreBorneTimeAndAgain) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 15; ++i) channel.write(frame("Q"));
    for (int i = 0; i < 15; ++i) expect_report("not a message");
    expect_goes_on();
  }
}

// Row 3
TEST_P(AdvancedFrames, PartOfAFrameAtTheEndIsNoMessageAndNoError) {
  channel.write(framed("\"whole\"") + framed("\"not whole\"").substr(0, 10));
  expect_delivered("\"whole\"");
  channel.shut_writing();
  expect_channel_ended();
}

// Row 3
TEST_P(AdvancedFrames, PartOfALengthAtTheEndIsNoMessageAndNoError) {
  channel.write(framed("\"whole\"") + "\0\0"s);
  expect_delivered("\"whole\"");
  channel.shut_writing();
  expect_channel_ended();
}

// Row 4
TEST_P(AdvancedFrames, AMessageOfExactlySixtyFourMebibytesIsReceived) {
  ASSERT_TRUE(channel.write(text_of(limit)));
  if (ours_is_child()) {
    expect_report("message too large");  // the echo of it would be larger
  } else {
    EXPECT_TRUE(ours.output.next() == "\"" + std::string(limit - 7, 'x') + "\"");
  }
  expect_goes_on();
}

// Row 6: what was promised may take its time, and nothing is kept for it before it comes.
TEST_P(AdvancedFrames, ALengthAtTheLimitAndThenSilenceIsWaitedFor) {
  const std::string bytes = text_of(limit / 2);
  channel.write(std::string_view(bytes).substr(0, 5));
  channel.write(std::string_view(bytes).substr(5));
  const auto got = ours_is_child() ? heard() : ours.output.next();
  ASSERT_TRUE(got);
  EXPECT_GT(got->size(), limit / 2 - 8);
  expect_goes_on();
  expect_memory_below(most_memory);
}

// Row 7
TEST_P(AdvancedFrames, TwoHundredThousandNestedArraysAreOneReport) {
  std::string body;
  for (int i = 0; i < 200000; ++i) body += "A\1";
  channel.write(frame(body));
  expect_report("message nested too deeply");
  expect_goes_on();
}

// Part of row 25: a frame may come in any pieces.
TEST_P(AdvancedFrames, OneThatComesByteByByteIsOneMessage) {
  for (const char byte : framed("{\"slow\":[1,2,3]}")) channel.write(std::string_view(&byte, 1));
  expect_delivered("{\"slow\":[1,2,3]}");
  expect_goes_on();
}

// A value may be of no more than its tag, and take a hundred times the memory of that.
TEST_P(AdvancedFrames, AFrameOfTinyValuesTakesNoMoreThanEightTimesItsSize) {
  constexpr size_t size = 16 * mebibyte;
  const std::string length = "\x80\x80\x80\x08";  // as a varint
  for (const char value : {'0', 'y'}) {
    channel.write(frame("A" + length + std::string(size, value) + "$" + std::string(1, '\0') + length));
    expect_report("the value takes more than 1342");
    expect_goes_on();
  }
  expect_memory_below(8 * size + 3 * size + 32 * mebibyte);
}

}  // namespace
}  // namespace baton::test
