#include "http/reply_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace baton::http {
namespace {

using ReplyEvent = ReplyParser::Event;

struct ReplyLimits {
  bool to_head = false;
  std::size_t header = 1024;
  std::size_t headers = 20;
};

// Everything a parser says of bytes that come so: "200 OK|a=1|body|end", "failure: why", "..." when it waits.
std::string said_of(std::string_view first, std::string_view second, bool ends, const ReplyLimits& limits) {
  ReplyParser parser(limits.to_head, limits.header, limits.headers);
  std::string said;
  const auto add = [&](const Headers& fields) {
    for (const auto& [name, value] : fields) said += std::string(name) + "=" + std::string(value) + ",";
    said += "|";
  };
  for (std::string_view input : {first, second}) {
    for (;;) {
      const ReplyEvent event = parser.feed(input);
      if (event == ReplyEvent::need_more) break;
      if (event == ReplyEvent::failure) return said + "failure: " + std::string(parser.reason());
      if (event == ReplyEvent::end) {
        if (parser.head().trailers().empty()) return said + "|end" + (input.empty() ? "" : " and more");
        said += "|";
        add(parser.head().trailers());
        return said + "end";
      }
      if (event == ReplyEvent::body) said += parser.body();
      if (event != ReplyEvent::head) continue;
      said += std::to_string(parser.head().status()) + " " + std::string(parser.head().reason());
      said += parser.head().keep_alive() ? "|" : " close|";
      add(parser.head().headers());
    }
  }
  if (!ends) return said + "...";
  return said + (parser.finish() == ReplyEvent::end ? "|end" : "failure: " + std::string(parser.reason()));
}

// The same wherever it is cut.
std::string said_of(std::string_view bytes, bool ends = false, const ReplyLimits& limits = {}) {
  const std::string said = said_of(bytes, {}, ends, limits);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const std::string cut_there = said_of(bytes.substr(0, cut), bytes.substr(cut), ends, limits);
    // What comes behind the end is seen only if it comes with it.
    if (said.ends_with(" and more")) continue;
    EXPECT_EQ(cut_there, said) << "cut at " << cut;
  }
  return said;
}

TEST(ReplyParser, ReadsABodyOfALengthInChunksAndUntilTheEnd) {
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            "200 OK|Content-Length=5,|hello|end");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: "
                    "1\r\n\r\n"),
            "200 OK|Transfer-Encoding=chunked,|hello|X=1,|end");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\n\r\nhello", true), "200 OK close||hello|end");
  EXPECT_EQ(said_of("HTTP/1.0 200 OK\r\n\r\n", true), "200 OK close|||end");
}

TEST(ReplyParser, KnowsThatSomeRepliesHaveNoBody) {
  EXPECT_EQ(said_of("HTTP/1.1 204 No Content\r\n\r\n"), "204 No Content|||end");
  EXPECT_EQ(said_of("HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n"), "304 |Content-Length=9,||end");
  ReplyLimits to_head;
  to_head.to_head = true;
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, to_head),
            "200 OK|Content-Length=9,||end");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, to_head),
            "200 OK|Transfer-Encoding=chunked,||end");
}

TEST(ReplyParser, PassesInterimRepliesOver) {
  EXPECT_EQ(
      said_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n"
              "Content-Length: 0\r\n\r\n"),
      "200 OK|Content-Length=0,||end");
  std::string many;
  for (int i = 0; i < 17; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(said_of(many), "failure: too many interim answers");
  EXPECT_EQ(said_of("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            "failure: it switches protocols, which nobody asked for");
}

TEST(ReplyParser, SaysWhetherTheConnectionGoesOn) {
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            "200 OK close|Connection=close,Content-Length=0,||end");
  EXPECT_EQ(said_of("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), "200 OK close|Content-Length=0,||end");
  EXPECT_EQ(said_of("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
            "200 OK|Connection=keep-alive,Content-Length=0,||end");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc"),
            "200 OK|Content-Length=1,|a|end and more");
}

TEST(ReplyParser, RefusesWhatTwoPartiesCouldReadDifferently) {
  const auto refused = [](std::string_view fields) {
    return said_of("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\n");
  };
  EXPECT_EQ(refused("Content-Length: 1\r\nContent-Length: 1"), "failure: more than one Content-Length");
  EXPECT_EQ(refused("Content-Length: 1, 1"), "failure: bad Content-Length");
  EXPECT_EQ(refused("Content-Length: -1"), "failure: bad Content-Length");
  EXPECT_EQ(refused("Transfer-Encoding: gzip, chunked"), "failure: bad Transfer-Encoding");
  EXPECT_TRUE(refused("Transfer-Encoding: chunked\r\nContent-Length: 3").starts_with("failure: "));
  EXPECT_EQ(refused("A: b\r\n folded"), "failure: bad header line");
  EXPECT_EQ(refused("A : b"), "failure: bad header field");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\nA: b\n\n"), "failure: bad header line");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
            "200 OK|Transfer-Encoding=chunked,|failure: bad chunk");
}

TEST(ReplyParser, RefusesAtOnceWhatIsNoHttp) {
  EXPECT_EQ(said_of("220 mail.example ESMTP\r\n"), "failure: it is not HTTP/1");
  EXPECT_EQ(said_of("HTTP/2.0"), "failure: it is not HTTP/1");
  EXPECT_TRUE(said_of("HTTP/1.1 20 OK\r\n\r\n").starts_with("failure: "));
  EXPECT_TRUE(said_of("HTTP/1.7 200 OK\r\n\r\n").starts_with("failure: "));
  EXPECT_EQ(said_of("HTTP/1.1 2"), "...");
}

TEST(ReplyParser, KeepsItsLimits) {
  ReplyLimits limits;
  limits.header = 64;
  limits.headers = 2;
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nA: " + std::string(60, 'x') + "\r\n\r\n", false, limits),
            "failure: its head is too large");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", false, limits),
            "failure: too many headers");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(said_of(chunked + "0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", false, limits),
            "200 OK|Transfer-Encoding=chunked,|failure: too many trailers");
  EXPECT_EQ(said_of(chunked + "0\r\na: " + std::string(70, 'x'), false, limits),
            "200 OK|Transfer-Encoding=chunked,|failure: trailers too large");
  EXPECT_EQ(said_of(chunked + "1;a=" + std::string(70, 'x'), false, limits),
            "200 OK|Transfer-Encoding=chunked,|failure: chunk extensions too large");
}

TEST(ReplyParser, NoticesAnEndThatComesTooEarly) {
  EXPECT_EQ(said_of("", true), "failure: the connection ended without an answer");
  EXPECT_EQ(said_of("HTTP/1.1 200", true), "failure: the connection ended amid the head");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true),
            "200 OK|Content-Length=5,|hellfailure: the connection ended amid the body");
  EXPECT_EQ(said_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true),
            "200 OK|Transfer-Encoding=chunked,|hellofailure: the connection ended amid the body");
}

}  // namespace
}  // namespace baton::http
