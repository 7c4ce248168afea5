#include "supervisor/line_splitter.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace baton::supervisor {
namespace {

class Lines {
 public:
  explicit Lines(size_t limit = LineSplitter::default_limit) : splitter_(limit) {}
  Lines& feed(std::string_view bytes) { return splitter_.feed(bytes, sink()), *this; }
  Lines& finish() { return splitter_.finish(sink()), *this; }
  [[nodiscard]] const std::vector<std::string>& got() const { return got_; }
  [[nodiscard]] size_t held() const { return splitter_.held(); }

 private:
  LineSplitter::Sink sink() {
    return [this](std::string_view line, bool whole) {
      got_.push_back(std::string(line) + (whole ? "$" : "..."));
    };
  }
  LineSplitter splitter_;
  std::vector<std::string> got_;
};
using Expected = std::vector<std::string>;

TEST(LineSplitter, MakesLinesOfWhateverPiecesCome) {
  const std::string text = "one\n\ntwo\r\nthree\n";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    Lines lines;
    for (size_t at = 0; at < text.size(); at += piece) {
      lines.feed(std::string_view(text).substr(at, piece));
    }
    EXPECT_EQ(lines.finish().got(), (Expected{"one$", "$", "two$", "three$"})) << piece;
  }
}

TEST(LineSplitter, KeepsAnUnfinishedLineUntilItsEndOrTheEndOfAll) {
  Lines lines;
  EXPECT_EQ(lines.feed("half").got(), Expected());
  EXPECT_EQ(lines.held(), 4U);
  EXPECT_EQ(lines.feed(" a line\nand").got(), (Expected{"half a line$"}));
  EXPECT_EQ(lines.finish().got(), (Expected{"half a line$", "and..."}));
  EXPECT_EQ(lines.finish().got(), (Expected{"half a line$", "and..."}));
}

TEST(LineSplitter, TakesNoCarriageReturnButOneBeforeALineFeed) {
  EXPECT_EQ(Lines().feed("a\rb\r\r\n").feed("c\r").finish().got(), (Expected{"a\rb\r$", "c\r..."}));
}

TEST(LineSplitter, CutsALineThatIsLongerThanTheLimitAndHoldsNoMoreThanThat) {
  EXPECT_EQ(Lines(4).feed("abcdefghij\nk\n").got(), (Expected{"abcd...", "efgh...", "ij$", "k$"}));
  EXPECT_EQ(Lines(4).feed("abcd\n").feed("abcd\r\n").got(), (Expected{"abcd$", "abcd$"}));
  Lines endless(1024);
  for (int i = 0; i < 100'000; ++i) endless.feed("xyz");
  EXPECT_LE(endless.held(), 1024U);
}

TEST(LineSplitter, CutsBetweenCharacters) {
  EXPECT_EQ(Lines(4).feed("aé\u20ac\U0001f600\n").got(), (Expected{"aé...", "\u20ac...", "\U0001f600$"}));
  // Bytes that are no UTF-8 are cut anywhere.
  EXPECT_EQ(Lines(4).feed("\x80\x80\x80\x80\x80\x80\n").got(),
            (Expected{"\x80\x80\x80\x80...", "\x80\x80$"}));
}

TEST(LineSplitter, RefusesALimitThatNoCharacterFitsInto) {
  EXPECT_THROW(LineSplitter(3), std::invalid_argument);
}

}  // namespace
}  // namespace baton::supervisor
