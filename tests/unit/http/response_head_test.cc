#include "http/response_head.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace baton::http {
namespace {

std::string written(const ResponseHead& head, const Framing& framing, unsigned keep_alive_seconds) {
  std::string out;
  head.write(out, framing, keep_alive_seconds > 0 ? std::optional(keep_alive_seconds) : std::nullopt,
             "Date: now\r\n");
  return out;
}

TEST(ResponseHead, IsWrittenInNodesOrder) {
  ResponseHead head;
  head.set("content-type", "text/plain");
  EXPECT_EQ(written(head, Framing::length(11), 5),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nDate: now\r\nConnection: keep-alive\r\n"
            "Keep-Alive: timeout=5\r\nContent-Length: 11\r\n\r\n");
}

TEST(ResponseHead, NamesItsStatus) {
  ResponseHead head;
  head.status(404);
  EXPECT_TRUE(written(head, Framing::length(0), 0).starts_with("HTTP/1.1 404 Not Found\r\n"));
  head.status(599);
  EXPECT_TRUE(written(head, Framing::length(0), 0).starts_with("HTTP/1.1 599 unknown\r\n"));
  EXPECT_THROW(head.status(100), std::invalid_argument);
  EXPECT_THROW(head.status(1000), std::invalid_argument);
  EXPECT_EQ(head.status(), 599);
}

TEST(ResponseHead, SaysHowTheBodyEnds) {
  const ResponseHead head;
  EXPECT_TRUE(
      written(head, Framing::chunked(), 5).ends_with("timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_TRUE(written(head, Framing::none(), 5).ends_with("timeout=5\r\n\r\n"));
  EXPECT_TRUE(written(head, Framing::until_close(), 5).ends_with("Connection: close\r\n\r\n"));
  EXPECT_TRUE(
      written(head, Framing::length(0), 0).ends_with("Connection: close\r\nContent-Length: 0\r\n\r\n"));
}

TEST(ResponseHead, SetReplacesAndAddDoesNot) {
  ResponseHead head;
  head.set("X-A", "1");
  head.add("Set-Cookie", "a");
  head.add("Set-Cookie", "b");
  head.set("x-a", "2");
  EXPECT_TRUE(
      written(head, Framing::none(), 0)
          .starts_with("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nx-a: 2\r\nDate: now\r\n"));
  head.set("set-cookie", "c");
  EXPECT_TRUE(
      written(head, Framing::none(), 0).starts_with("HTTP/1.1 200 OK\r\nx-a: 2\r\nset-cookie: c\r\n"));
}

TEST(ResponseHead, RefusesWhatWouldSplitTheResponse) {
  ResponseHead head;
  for (const std::string& value : {std::string("a\r\nSet-Cookie: b"), std::string("a\nb"),
                                   std::string("a\rb"), std::string("a\0b", 3), std::string("\x7f")}) {
    EXPECT_THROW(head.set("X", value), std::invalid_argument);
    EXPECT_THROW(head.add("X", value), std::invalid_argument);
  }
  for (const char* name : {"", "a b", "a:", "a\r\n", "\xe9"}) {
    EXPECT_THROW(head.set(name, "x"), std::invalid_argument);
    EXPECT_THROW(head.add(name, "x"), std::invalid_argument);
  }
  EXPECT_EQ(written(head, Framing::none(), 0), "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\n");
  head.set("X", "tab\tand \xe9");
  EXPECT_TRUE(written(head, Framing::none(), 0).contains("\r\nX: tab\tand \xe9\r\n"));
}

TEST(ResponseHead, LeavesFramingToTheServer) {
  ResponseHead head;
  EXPECT_THROW(head.set("Transfer-Encoding", "chunked"), std::invalid_argument);
  EXPECT_THROW(head.set("Keep-Alive", "timeout=9"), std::invalid_argument);
  EXPECT_THROW(head.set("Connection", "upgrade"), std::invalid_argument);
  for (const char* length : {"", "+1", "1, 1", "x", "18446744073709551616"}) {
    EXPECT_THROW(head.set("Content-Length", length), std::invalid_argument);
  }
  head.set("Content-Length", "7");
  EXPECT_EQ(head.content_length(), 7U);
  EXPECT_FALSE(head.asks_to_close());
  head.set("connection", "Close");
  EXPECT_TRUE(head.asks_to_close());
  EXPECT_EQ(written(head, Framing::length(7), 5),
            "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\nContent-Length: 7\r\n\r\n");
}

TEST(ResponseHead, KeepsADateOfTheCallers) {
  ResponseHead head;
  head.set("DATE", "then");
  EXPECT_EQ(written(head, Framing::none(), 0), "HTTP/1.1 200 OK\r\nDATE: then\r\nConnection: close\r\n\r\n");
  head.clear();
  EXPECT_EQ(written(head, Framing::none(), 0), "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\n");
}

TEST(ResponseHead, HasNoBodyWhenTheStatusSaysSo) {
  ResponseHead head;
  EXPECT_TRUE(head.has_body());
  head.status(204);
  EXPECT_FALSE(head.has_body());
  head.status(304);
  EXPECT_FALSE(head.has_body());
}

TEST(DateLine, IsAnImfFixdate) {
  DateLine line;
  EXPECT_EQ(line.at(784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(line.at(784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(line.at(0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  EXPECT_EQ(line.at(951782399), "Date: Mon, 28 Feb 2000 23:59:59 GMT\r\n");
  EXPECT_EQ(line.at(951782400), "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n");
}

TEST(Chunk, HasItsSizeInHexadecimal) {
  std::string out;
  append_chunk(out, "hello");
  append_chunk(out, std::string(26, 'x'));
  append_last_chunk(out, {});
  EXPECT_EQ(out, "5\r\nhello\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST(ClosingResponse, IsTheOneOfNode) {
  EXPECT_EQ(closing_response(431),
            "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace baton::http
