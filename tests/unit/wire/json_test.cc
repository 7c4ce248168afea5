#include "baton/wire/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace baton::wire {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Value parsed(std::string_view text) { return read_json(text).value(); }

std::string reprint(std::string_view text) { return to_json(parsed(text)); }

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  while (times-- > 0) result += text;
  return result;
}

void expect_refused(std::string_view text, std::string_view step) {
  auto value = read_json(text);
  ASSERT_FALSE(value) << text;
  EXPECT_EQ(value.error().code(), Errc::bad_message) << text;
  EXPECT_EQ(value.error().step(), step) << text;
}

TEST(Json, ReadsEveryKind) {
  Value value = parsed(R"( {"a":null,"b":[true,false],"c":-12,"d":1.5,"e":"text","f":{},"g":[]}	)");
  EXPECT_EQ(value, Value::object({{"a", nullptr},
                                  {"b", Value::array({true, false})},
                                  {"c", -12},
                                  {"d", 1.5},
                                  {"e", "text"},
                                  {"f", Value::object()},
                                  {"g", Value::array()}}));
  EXPECT_EQ(parsed("\t\n\r 1 \t\n\r"), 1);
  EXPECT_EQ(parsed("\"\""), "");
}

TEST(Json, WritesNumbersAsJavaScriptDoes) {
  EXPECT_EQ(to_json(0), "0");
  EXPECT_EQ(to_json(-0.0), "0");
  EXPECT_EQ(to_json(9007199254740992), "9007199254740992");
  EXPECT_EQ(to_json(1e21), "1e+21");
  EXPECT_EQ(to_json(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(to_json(100000000000000000000.0), "100000000000000000000");
  EXPECT_EQ(to_json(1e-6), "0.000001");
  EXPECT_EQ(to_json(1e-7), "1e-7");
  EXPECT_EQ(to_json(1.5e300), "1.5e+300");
  EXPECT_EQ(to_json(-1.25e-9), "-1.25e-9");
  EXPECT_EQ(to_json(123.456), "123.456");
  EXPECT_EQ(to_json(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(to_json(5e-324), "5e-324");
  EXPECT_EQ(to_json(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(to_json(Value::array({infinity, -infinity, std::nan("")})), "[null,null,null]");
}

TEST(Json, ReadsTheNearestDouble) {
  EXPECT_EQ(parsed("9007199254740993").as_number(), 9007199254740992.0);
  EXPECT_EQ(parsed("18446744073709551615").as_number(), 18446744073709551616.0);
  EXPECT_EQ(parsed("123456789012345678901234567890").as_number(), 123456789012345678901234567890.0);
  EXPECT_EQ(parsed("7.2057594037927933e16").as_number(), 7.2057594037927933e16);
  EXPECT_EQ(parsed("2.2250738585072011e-308").as_number(), 2.2250738585072011e-308);
  EXPECT_EQ(parsed("5e-324").as_number(), 5e-324);
  EXPECT_TRUE(parsed("1e3").is_integer());
  EXPECT_TRUE(std::signbit(parsed("-0").as_number()));
  EXPECT_TRUE(std::signbit(parsed("-0.0e5").as_number()));
}

TEST(Json, ReadsNumbersBeyondTheRangeOfDoubles) {
  EXPECT_EQ(parsed("1e400").as_number(), infinity);
  EXPECT_EQ(parsed("-1e400").as_number(), -infinity);
  EXPECT_EQ(parsed("1e-400").as_number(), 0);
  EXPECT_TRUE(std::signbit(parsed("-1e-400").as_number()));
  EXPECT_EQ(parsed("1" + repeat("0", 400)).as_number(), infinity);
  EXPECT_EQ(parsed("0." + repeat("0", 400) + "1").as_number(), 0);
  EXPECT_EQ(parsed("0." + repeat("0", 400) + "1e401").as_number(), 1);
  EXPECT_EQ(parsed("1" + repeat("0", 400) + "e-400").as_number(), 1);
  EXPECT_EQ(parsed(R"(["1e99999999999",1e99999999999,-1E+99999999999,1e-99999999999,0e99999999999])"),
            Value::array({"1e99999999999", infinity, -infinity, 0, 0}));
  EXPECT_EQ(parsed("1e" + repeat("0", 50) + "2").as_integer(), 100);
}

TEST(Json, WritesStringsWithOnlyTheEscapesThatJavaScriptUses) {
  EXPECT_EQ(to_json("\"\\/\b\f\n\r\t\x01\x1f\x7f"), R"("\"\\/\b\f\n\r\t\u0001\u001f)"
                                                    "\x7f\"");
  EXPECT_EQ(to_json(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(to_json("é€😀\u2028"), "\"é€😀\u2028\"");
  EXPECT_EQ(to_json("exactly8\nand then more than eight é"), "\"exactly8\\nand then more than eight é\"");
}

TEST(Json, ReadsEveryEscape) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\uD83D\uDE00")"), "\"\\/\b\f\n\r\tAé€😀");
  EXPECT_EQ(parsed(R"("\u0000")").as_string(), std::string(1, '\0'));
  EXPECT_EQ(parsed("{" + repeat("\"", 1) + R"(\u0061\n":1})"), Value::object({{"a\n", 1}}));
  std::string longer = repeat("x\\ny", 1000);
  EXPECT_EQ(parsed('"' + longer + '"').as_string(), repeat("x\ny", 1000));
}

TEST(Json, KeepsLoneSurrogates) {
  EXPECT_EQ(parsed(R"("\ud800")").as_string(), "\xed\xa0\x80");
  for (const char* text :
       {R"("\ud800")", R"("\udfff x")", R"("\ude00\ud83d")", R"("\ud800\ud800")", R"({"\udc00":"\udbff"})"}) {
    EXPECT_EQ(reprint(text), text);
  }
  EXPECT_EQ(reprint(R"("\uD800\ud83d\ude00\\ud800\\\udFff")"), R"("\ud800😀\\ud800\\\udfff")");
  EXPECT_EQ(to_json("\xed\xa0\xbd\xed\xb8\x80"), "\"😀\"");
}

TEST(Json, DecodesBytesThatAreNoUtf8AsNodeDoes) {
  const std::string fffd = "\xef\xbf\xbd";
  EXPECT_EQ(parsed("\"\xff\""), fffd);
  EXPECT_EQ(parsed("\"\xed\xa0\x80\""), fffd + fffd + fffd);
  EXPECT_EQ(parsed("\"\xf0\x9f\x98z\""), fffd + "z");
  EXPECT_EQ(parsed("\"\xe2\x82\""), fffd);
  EXPECT_EQ(parsed("\"\xc0\xaf\xf4\x90\x80\x80\""), repeat(fffd, 6));
  EXPECT_EQ(parsed("\"\xe0\x80\x80\xf0\x80\x80\x80\""), repeat(fffd, 7));
  EXPECT_EQ(parsed("{\"\x80\":\"\\ud800\"}"), Value::object({{fffd, "\xed\xa0\x80"}}));
}

TEST(Json, NeverWritesBytesThatAreNoUtf8) {
  EXPECT_EQ(to_json("a\xff\xed\xa0z\xf0\x9f\x98"), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\"");
}

TEST(Json, OrdersMembersAsJavaScriptDoes) {
  EXPECT_EQ(reprint(R"({"b":1,"10":2,"a":3,"9":4,"b":5,"01":6,"-1":7,"__proto__":{"x":8}})"),
            R"({"9":4,"10":2,"b":5,"a":3,"01":6,"-1":7,"__proto__":{"x":8}})");
}

TEST(Json, LeavesUndefinedMembersOutAndWritesUndefinedElementsAsNull) {
  EXPECT_EQ(to_json(Value::object({{"a", Value()}, {"b", 1}, {"c", Value()}})), R"({"b":1})");
  EXPECT_EQ(to_json(Value::object({{"a", Value()}})), "{}");
  EXPECT_EQ(to_json(Value::array({Value(), 1})), "[null,1]");
}

TEST(Json, CannotWriteUndefined) {
  std::string out = "before";
  auto written = write_json(Value(), out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Errc::bad_message);
  EXPECT_EQ(out, "before");
  EXPECT_THROW(static_cast<void>(to_json(Value())), Error);
}

TEST(Json, AppendsWhatItWrites) {
  std::string out = "before";
  ASSERT_TRUE(write_json(1, out));
  EXPECT_EQ(out, "before1");
}

TEST(Json, ReadsUpToTheDepthLimitAndNoDeeper) {
  auto text = [](std::size_t depth) { return repeat("[{\"a\":", depth / 2) + "1" + repeat("}]", depth / 2); };
  EXPECT_EQ(parsed(text(512)).depth(), 512U);
  auto deeper = read_json(text(514));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code(), Errc::message_too_deep);
  EXPECT_EQ(read_json(repeat("[", 1000000)).error().code(), Errc::message_too_deep);
  EXPECT_TRUE(read_json("[[]]", JsonLimits().depth(2)));
  EXPECT_EQ(read_json("[[]]", JsonLimits().depth(1)).error().code(), Errc::message_too_deep);
  EXPECT_TRUE(read_json("1", JsonLimits().depth(0)));
  EXPECT_TRUE(read_json(text(Value::max_depth), JsonLimits().depth(1000000)));
  EXPECT_TRUE(read_json("[" + repeat("[],", 1000) + "[]]", JsonLimits().depth(2)));
}

TEST(Json, WritesUpToTheDepthLimitAndNoDeeper) {
  Value value = parsed(repeat("[", 512) + repeat("]", 512));
  std::string out;
  EXPECT_TRUE(write_json(value, out));
  out.clear();
  auto written = write_json(Value::array().push_back(std::move(value)), out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Errc::message_too_deep);
  EXPECT_EQ(out, "");
}

TEST(Json, SaysWhereATextIsNoJson) {
  expect_refused("", "byte 0: the text ends too early");
  expect_refused("  ", "byte 2: the text ends too early");
  expect_refused("{\"a\" 1}", "byte 5: unexpected '1'");
  expect_refused("[1,]", "byte 3: unexpected ']'");
  expect_refused("1 x", "byte 2: unexpected 'x' after the value");
  expect_refused("\"\x01\"", "byte 1: unexpected byte 0x01");
  expect_refused("\"\\u12x4\"", "byte 5: unexpected 'x'");
  expect_refused(R"(["\ud800\ud83d\ude00",x])", "byte 22: unexpected 'x'");
  expect_refused("\"\xff\xff\" x", "byte 5: unexpected 'x' after the value");
  expect_refused("[1e99999999999,x]", "byte 15: unexpected 'x'");
  EXPECT_STREQ(read_json("[").error().what(), "read JSON: byte 1: the text ends too early: not a message");
}

TEST(Json, IsAsStrictAsJavaScript) {
  for (const char* text : {"[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "//\n1",
                           "/**/1",
                           "01",
                           "-01",
                           "+1",
                           ".5",
                           "1.",
                           "1.e5",
                           "1e",
                           "1e+",
                           "-",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "undefined",
                           "nul",
                           "nulll",
                           "True",
                           "\xef\xbb\xbf 1",
                           "1 2",
                           "[1}",
                           "{\"a\":}",
                           "[,1]",
                           "\"a",
                           "\"\\x41\"",
                           "\"\\u12\"",
                           "\"\n\"",
                           "\"\t\"",
                           "\x0b"
                           "1",
                           "\xc2\xa0"
                           "1",
                           "0x10",
                           "1_000",
                           "\"\\ud8\"",
                           "\"\\",
                           "\\ud800",
                           "]",
                           "{\"a\":1 \"b\":2}",
                           "[1 2]"}) {
    auto value = read_json(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code(), Errc::bad_message) << text;
  }
  EXPECT_FALSE(read_json(std::string_view("1\0", 2)));
  EXPECT_FALSE(read_json(std::string_view("\"\0\"", 3)));
}

TEST(Json, ReadsObjectsOfManyMembersWithoutComparingEachWithEach) {
  std::string text = "{";
  for (int i = 100000; i > 0; --i) text += '"' + std::to_string(i) + "\":0,\"k" + std::to_string(i) + "\":1,";
  Value value = parsed(text + "\"k1\":2}");
  ASSERT_EQ(value.size(), 200000U);
  EXPECT_EQ(value.members()[0].first, "1");
  EXPECT_EQ(value.members()[100000].first, "k100000");
  EXPECT_EQ(value.members()[199999], Value::Member("k1", 2));
}

}  // namespace
}  // namespace baton::wire
