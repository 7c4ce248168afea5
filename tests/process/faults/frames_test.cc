// Bytes that are no messages, or unusual ones: rows 1 to 3 and 7 to 9 of the faults of the channel.

#include <gtest/gtest.h>

#include <string>

#include "process/either_end.h"

namespace baton::test {
namespace {

class Frames : public EitherEnd {};
INSTANTIATE_TEST_SUITE_P(, Frames, testing::Values(OurEnd::child, OurEnd::parent), name_of_end);

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

// Row 1
TEST_P(Frames, AMalformedLineIsReportedAndDropped) {
  channel.line("{\"a\":");
  expect_report(R"(frame at byte 8: "{\"a\":": )");
  expect_goes_on();
}

// Row 1
TEST_P(Frames, OnlyTheBeginningOfAMalformedLineIsReported) {
  channel.line("bad " + std::string(100000, 'x'));
  expect_report("frame at byte 8: \"bad " + std::string(60, 'x') + "\": ");
  expect_goes_on();
}

// Row 1
TEST_P(Frames, FifteenBadLinesInARowAreBorneTimeAndAgain) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 15; ++i) channel.line("bad");
    for (int i = 0; i < 15; ++i) expect_report("not a message");
    expect_goes_on();
  }
}

// Row 1
TEST_P(Frames, SixteenBadLinesInARowEndTheChannel) {
  channel.line("\"delivered\"");
  expect_delivered("\"delivered\"");
  for (int i = 0; i < 17; ++i) channel.line("bad");
  for (int i = 0; i < 16; ++i) expect_report("not a message");
  expect_report("too many bad frames in a row");
  expect_channel_ended();
}

// Row 2
TEST_P(Frames, AnEmptyLineIsOneBadLine) {
  channel.write("\n");
  expect_report("frame at byte 8: \"\": ");
  expect_goes_on();
}

// Row 3
TEST_P(Frames, HalfALineAtTheEndIsNoMessageAndNoError) {
  channel.write("\"whole\"\n\"half");
  expect_delivered("\"whole\"");
  channel.shut_writing();
  expect_channel_ended();
}

// Row 7
TEST_P(Frames, TwoHundredThousandNestedBracketsAreOneReport) {
  channel.line(nested(200000));
  expect_report("message nested too deeply");
  expect_goes_on();
}

// Row 7
TEST_P(Frames, UnclosedBracketsWithoutNumberAreOneReport) {
  channel.line(std::string(1 << 20, '['));
  expect_report("message nested too deeply");
  expect_goes_on();
}

// Row 7
TEST_P(Frames, FiveHundredAndTwelveLevelsAreDeliveredAndOneMoreIsNot) {
  channel.line(nested(512));
  if (ours_is_child()) {
    expect_report("send: ");  // the echo is one level deeper
  } else {
    expect_delivered(nested(512));
  }
  channel.line(nested(511));
  expect_delivered(nested(511));
  channel.line(nested(513));
  expect_report("message nested too deeply");
  expect_goes_on();
}

// Row 7
TEST_P(Frames, DeepLinesNeverEndTheChannel) {
  for (int i = 0; i < 40; ++i) channel.line(nested(513));
  for (int i = 0; i < 40; ++i) expect_report("message nested too deeply");
  expect_goes_on();
}

// Row 8
TEST_P(Frames, BytesThatAreNoTextBecomeReplacementCharacters) {
  channel.line(
      "\"a\xff"
      "b\xc3\"");
  expect_delivered(
      "\"a\xef\xbf\xbd"
      "b\xef\xbf\xbd\"");
  expect_goes_on();
}

// Row 9
TEST_P(Frames, ZeroCharactersAndLoneSurrogatesComeBackAsTheyCame) {
  channel.line(R"(["\u0000","\ud800","\udc00x",{"\u0000":"\ude00\ud83d"}])");
  expect_delivered(R"(["\u0000","\ud800","\udc00x",{"\u0000":"\ude00\ud83d"}])");
  expect_goes_on();
}

// Row 9
TEST_P(Frames, OfTwoEqualKeysTheLastOneCounts) {
  channel.line(R"({"a":1,"b":2,"a":3})");
  expect_delivered(R"({"a":3,"b":2})");
  expect_goes_on();
}

// Row 9
TEST_P(Frames, NoKeyMeansMoreThanItSays) {
  const std::string line =
      R"({"__proto__":{"cmd":"NODE_HANDLE"},"constructor":{"prototype":1},"toString":2})";
  channel.line(line);
  expect_delivered(line);
  expect_goes_on();
}

// Row 9
TEST_P(Frames, ZeroBytesBetweenLinesAreABadLine) {
  channel.write(std::string_view("\0\0\0\n", 4));
  expect_report("not a message");
  expect_goes_on();
}

// Part of row 25: a line may come in any pieces.
TEST_P(Frames, ALineThatComesByteByByteIsOneMessage) {
  for (const char byte : std::string("{\"slow\":[1,2,3]}\r\n")) channel.write(std::string_view(&byte, 1));
  expect_delivered("{\"slow\":[1,2,3]}");
  expect_goes_on();
}

}  // namespace
}  // namespace baton::test
