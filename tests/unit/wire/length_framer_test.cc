#include "wire/length_framer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::wire {
namespace {

using namespace std::string_literals;
using Texts = std::vector<std::string>;

class Reading {
 public:
  explicit Reading(std::size_t limit = 1000) : framer(limit) {}
  Texts feed(std::string_view bytes) {
    const std::string copy(bytes);  // so that a look beyond it is noticed
    framer.feed(copy);
    Texts texts;
    while (const auto frame = framer.next()) {
      starts.push_back(frame->start());
      texts.emplace_back(frame->text());
    }
    return texts;
  }
  LengthFramer framer;
  std::vector<uint64_t> starts;
};

TEST(LengthFramer, FindsEveryFrameOfARead) {
  Reading reading;
  EXPECT_EQ(reading.feed("\0\0\0\1a\0\0\0\0\0\0\0\3bcd\0\0"s), (Texts{"a", "", "bcd"}));
  EXPECT_EQ(reading.starts, (std::vector<uint64_t>{0, 5, 9}));
  EXPECT_EQ(reading.framer.position(), 16U);
  EXPECT_EQ(reading.feed("\0\1e"s), Texts{"e"});
}

TEST(LengthFramer, DoesNotMindHowTheStreamIsCut) {
  const std::string stream = "\0\0\0\1a\0\0\0\0\0\0\1\0"s + std::string(256, 'x') + "\0\0\0\2yz"s;
  for (std::size_t first = 0; first < stream.size(); ++first) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, stream.size()}) {
      Reading reading;
      Texts all = reading.feed(std::string_view(stream).substr(0, first));
      for (std::size_t at = first; at < stream.size(); at += step) {
        for (std::string& text : reading.feed(std::string_view(stream).substr(at, step))) all.push_back(text);
      }
      ASSERT_EQ(all, (Texts{"a", "", std::string(256, 'x'), "yz"}));
      ASSERT_EQ(reading.framer.position(), stream.size());
    }
  }
}

TEST(LengthFramer, OverflowsOnTheLengthAlone) {
  for (const auto& length : {"\0\0\3\xe9"s, "\x7f\xff\xff\xff"s, "\x80\0\0\0"s, "\xff\xff\xff\xff"s}) {
    Reading reading(1000);
    EXPECT_EQ(reading.feed("\0\0\0\1a"s + length.substr(0, 3)), Texts{"a"});
    EXPECT_FALSE(reading.framer.overflowed());
    EXPECT_EQ(reading.feed(length.substr(3)), Texts());
    EXPECT_TRUE(reading.framer.overflowed());
    EXPECT_EQ(reading.feed("\0\0\0\1a"s), Texts());
  }
}

TEST(LengthFramer, TakesAFrameOfTheLimit) {
  Reading reading(1000);
  EXPECT_EQ(reading.feed("\0\0\3\xe8"s + std::string(1000, 'x')), Texts{std::string(1000, 'x')});
  EXPECT_FALSE(reading.framer.overflowed());
}

TEST(LengthFramer, SaysHowLongAFrameIs) {
  EXPECT_EQ(LengthFramer::whole_size("\0\0\1\2 and so on"s), 262U);
  EXPECT_EQ(LengthFramer::whole_size("\xff\xff\xff\xff"), 4294967299U);
}

}  // namespace
}  // namespace baton::wire
