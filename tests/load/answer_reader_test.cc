#include "load/answer_reader.h"

#include <gtest/gtest.h>

namespace baton::load {
namespace {

using State = AnswerReader::State;

constexpr std::string_view plain = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nX-Token: a1\r\n\r\n123\n";
constexpr std::string_view chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\n123\n\r\n0\r\n\r\n";

TEST(AnswerReader, ReadsAnAnswerHoweverItIsCut) {
  for (const std::string_view answer : {plain, chunked}) {
    AnswerReader reader;
    reader.expect("a1");
    for (const char byte : answer.substr(0, answer.size() - 1))
      ASSERT_EQ(reader.add({&byte, 1}), State::incomplete);
    ASSERT_EQ(reader.add(answer.substr(answer.size() - 1)), State::complete);
    EXPECT_EQ(reader.worker(), 123);
    EXPECT_FALSE(reader.surplus());
  }
}

TEST(AnswerReader, TellsWhetherTheConnectionIsKeptAndWhetherMoreCame) {
  AnswerReader reader;
  reader.expect("a1");
  reader.add(plain);
  EXPECT_TRUE(reader.kept());
  reader.expect("a1");
  EXPECT_EQ(reader.add(std::string(chunked) + "x"), State::complete);
  EXPECT_FALSE(reader.kept());
  EXPECT_TRUE(reader.surplus());
}

TEST(AnswerReader, TakesNothingElseForAnAnswer) {
  AnswerReader reader;
  for (const std::string_view wrong :
       {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n123\n", "HTTP/1.1 200 OK\r\n\r\n123\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Token: b\r\n\r\n123\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12x\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n123\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n123\n",
        "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n123\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n123\nxx0\r\n\r\n"}) {
    reader.expect("a1");
    EXPECT_EQ(reader.add(wrong), State::wrong) << wrong;
  }
}

TEST(AnswerReader, GivesUpAnAnswerThatNeverEnds) {
  AnswerReader reader;
  reader.expect("a1");
  EXPECT_EQ(reader.add(std::string(20'000, 'x')), State::wrong);
}

}  // namespace
}  // namespace baton::load
