#include "cluster/sticky_value.h"

#include <gtest/gtest.h>

#include <string>

namespace baton::cluster {
namespace {

using Outcome = StickyValue::Outcome;
constexpr std::string_view begin = "GET / HTTP/1.1\r\nHost: x\r\n";

std::string find(StickyValue by, const std::string& head) {
  switch (by.look(head)) {
    case Outcome::more:
      return "(more)";
    case Outcome::none:
      return "(none)";
    case Outcome::found:
      break;
  }
  return std::string(by.value());
}
std::string cookie(const std::string& lines) {
  return find(StickyValue(Policy::Sticky::cookie, "sid"), std::string(begin) + lines);
}
std::string header(const std::string& lines) {
  return find(StickyValue(Policy::Sticky::header, "X-User"), std::string(begin) + lines);
}

TEST(StickyValue, FindsACookieAmongOthers) {
  EXPECT_EQ(cookie("Cookie: sid=7\r\n"), "7");
  EXPECT_EQ(cookie("cookie:a=1; sid=seven ;b=2\r\n"), "seven");
  EXPECT_EQ(cookie("Cookie: a=sid=1; xsid=2\r\nCookie: sid=a=b\r\n"), "a=b");
}

TEST(StickyValue, TakesNoOtherNameForTheCookie) {
  EXPECT_EQ(cookie("Cookie: SID=7; sid ; sidx=1\r\n\r\n"), "(none)");
  EXPECT_EQ(cookie("X-Cookie: sid=7\r\n\r\n"), "(none)");
}

TEST(StickyValue, FindsAHeaderInWhateverCase) {
  EXPECT_EQ(header("x-uSER: \t seven \r\n"), "seven");
  EXPECT_EQ(header("X-User2: no\r\nX-User:yes\r\n"), "yes");
}

TEST(StickyValue, AnEmptyValueIsNone) {
  EXPECT_EQ(header("X-User: \r\n\r\n"), "(none)");
  EXPECT_EQ(cookie("Cookie: sid=\r\n\r\n"), "(none)");
}

TEST(StickyValue, WaitsForTheWholeLine) {
  EXPECT_EQ(header("X-User: sev"), "(more)");
  EXPECT_EQ(header("X-User: seven\r"), "(more)");
  EXPECT_EQ(header(""), "(more)");
  EXPECT_EQ(find(StickyValue(Policy::Sticky::header, "X"), "\r\n"), "(more)");
}

TEST(StickyValue, ARequestLineIsNoHeader) {
  EXPECT_EQ(find(StickyValue(Policy::Sticky::header, "GET /x"), "GET /x:1 HTTP/1.1\r\n\r\n"), "(none)");
}

TEST(StickyValue, WhatIsNoHttpHasNone) {
  EXPECT_EQ(find(StickyValue(Policy::Sticky::header, "X"), "\x16\x03\x01"), "(none)");
  EXPECT_EQ(find(StickyValue(Policy::Sticky::header, "X"), std::string("\0PROXY", 6)), "(none)");
}

TEST(StickyValue, LinesMayEndWithLfAlone) {
  EXPECT_EQ(find(StickyValue(Policy::Sticky::header, "X"), "\nGET / HTTP/1.1\nX: 1\n"), "1");
}

TEST(StickyValue, IsTheSameHoweverTheHeadComes) {
  const std::string head = "\r\n" + std::string(begin) + "Cookie: a=1; ;;\r\ncookie: sid=7\r\n\r\n";
  StickyValue value(Policy::Sticky::cookie, "sid");
  std::size_t length = 0;
  while (length < head.size() && value.look(head.substr(0, length)) == Outcome::more) ++length;
  EXPECT_EQ(length, head.size() - 2);
  EXPECT_EQ(find(StickyValue(Policy::Sticky::cookie, "sid"), head), "7");
}

TEST(StickyValue, LooksAtNothingTwice) {
  const std::string first = std::string(begin) + "A: sid=0\r\nX: a";
  StickyValue value(Policy::Sticky::header, "X-User");
  EXPECT_EQ(value.look(first), Outcome::more);
  // What would be found in what was seen.
  std::string second = std::string(begin) + "X-User:7\r\nX: a";
  ASSERT_EQ(second.size(), first.size());
  second += "\r\nX-User: 8\r\n";
  EXPECT_EQ(value.look(second), Outcome::found);
  EXPECT_EQ(value.value(), "8");
}

}  // namespace
}  // namespace baton::cluster
