// The kinds of value that JSON lacks, and what JSON makes of them.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/wire/json.h"
#include "baton/wire/value.h"

namespace baton {
namespace {

using namespace std::string_literals;
using View = Value::View;

static_assert(sizeof(Value) <= 40);

TEST(ValueKinds, BigintsAreReadAndPrintedAtAnySize) {
  for (const char* text :
       {"0", "1", "-1", "255", "256", "-9223372036854775808", "18446744073709551616", "1000000000",
        "999999999999999999999999999999", "-123456789012345678901234567890"}) {
    EXPECT_EQ(Value::bigint(text).bigint_text(), text);
  }
  EXPECT_EQ(Value::bigint("0xff"), Value::bigint(255));
  EXPECT_EQ(Value::bigint("-0xfFf"), Value::bigint(-4095));
  EXPECT_EQ(Value::bigint("-0"), Value::bigint(0));
  EXPECT_EQ(Value::bigint("000"), Value::bigint(0));
  EXPECT_EQ(Value::bigint("1"s + std::string(5000, '0')).bigint_text(), "1" + std::string(5000, '0'));
  for (const char* text : {"", "-", "0x", "1.5", "1e3", " 1", "+1", "1n", "0xg", "12_3", "--1", "0x-1"}) {
    EXPECT_THROW(Value::bigint(text), std::invalid_argument) << text;
  }
}

TEST(ValueKinds, BigintsTooLongForDecimalAreHexadecimal) {
  const std::string magnitude = std::string(70000, '\0') + '\1';
  const Value huge = Value::bigint(true, magnitude);
  EXPECT_EQ(huge.bigint_text(), "-0x1" + std::string(140000, '0'));
  EXPECT_EQ(Value::bigint(huge.bigint_text()), huge);
}

TEST(ValueKinds, BigintsThatFitAreIntegersToo) {
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(Value::bigint(number).get_if_bigint(), number);
    EXPECT_EQ(Value::bigint(number).bigint_text(), std::to_string(number));
  }
  EXPECT_FALSE(Value::bigint("9223372036854775808").get_if_bigint());
  EXPECT_FALSE(Value::bigint("-9223372036854775809").get_if_bigint());
  EXPECT_FALSE(Value(1).get_if_bigint());
  EXPECT_NE(Value::bigint(1), Value(1));
}

TEST(ValueKinds, DatesAreClippedAsInJavaScript) {
  EXPECT_EQ(Value::date(1.9).get_if_date(), 1);
  EXPECT_EQ(Value::date(-1.9).get_if_date(), -1);
  EXPECT_FALSE(std::signbit(*Value::date(-0.5).get_if_date()));
  EXPECT_EQ(Value::date(8.64e15).get_if_date(), 8.64e15);
  for (const double none : {8.65e15, -8.65e15, HUGE_VAL, std::nan("")}) {
    EXPECT_TRUE(std::isnan(*Value::date(none).get_if_date()));
  }
  EXPECT_EQ(Value::date(std::nan("")), Value::date(HUGE_VAL));
  EXPECT_NE(Value::date(1), Value::date(2));
}

TEST(ValueKinds, RegexpsHaveFlagsInJavaScriptsOrder) {
  EXPECT_EQ(Value::regexp("a+", "yigmsdu").regexp_flags(), "dgimsuy");
  EXPECT_EQ(Value::regexp("a+", "v").regexp_flags(), "v");
  EXPECT_EQ(Value::regexp("a+").regexp_source(), "a+");
  EXPECT_NE(Value::regexp("a"), Value::regexp("a", "g"));
  for (const char* flags : {"gg", "x", "uv", "?", "l"}) {
    EXPECT_THROW(Value::regexp("a", flags), std::invalid_argument) << flags;
  }
}

TEST(ValueKinds, BytesAreWholeElements) {
  EXPECT_EQ(*Value::bytes("abcd", View::int32).get_if_bytes(), "abcd");
  EXPECT_EQ(Value::bytes("abcd").view(), View::buffer);
  EXPECT_NE(Value::bytes("abcd", View::int32), Value::bytes("abcd", View::uint32));
  EXPECT_THROW(Value::bytes("abc", View::int16), std::invalid_argument);
  EXPECT_THROW(Value::resizable_bytes("abc", 2), std::invalid_argument);
  EXPECT_EQ(Value::resizable_bytes("abc", 7).most_bytes(), 7U);
  EXPECT_EQ(Value::bytes("abc").most_bytes(), 3U);
}

TEST(ValueKinds, ErrorsHaveFourMembersAndNoOthers) {
  Value error = Value::error("it broke", "RangeError");
  error.set("cause", Value::array({1})).set("stack", "at");
  EXPECT_EQ(error["name"], Value("RangeError"));
  EXPECT_EQ(error["message"], Value("it broke"));
  EXPECT_EQ(error["cause"][std::size_t{0}], Value(1));
  EXPECT_EQ(error.depth(), 2U);
  EXPECT_THROW(error.set("code", 1), std::logic_error);
  EXPECT_THROW(error.set("message", 1), std::logic_error);
  EXPECT_THROW(Value::error_of({{"code", 1}}), std::invalid_argument);
  EXPECT_THROW(Value::error_of({{"name", "a"}, {"name", "b"}}), std::invalid_argument);
  EXPECT_EQ(Value::error_of({{"message", "m"}}), Value::error("m"));
}

TEST(ValueKinds, BoxesHoldPrimitivesOnly) {
  EXPECT_EQ(Value::boxed("s").unboxed(), Value("s"));
  EXPECT_NE(Value::boxed("s"), Value("s"));
  for (const Value& other : {Value(), Value(nullptr), Value::object(), Value::boxed(1), Value::date(0)}) {
    EXPECT_THROW(Value::boxed(other), std::invalid_argument);
  }
}

TEST(ValueKinds, ArraysMayHaveMoreThanTheirElements) {
  const Value array = Value::array({1, Value::hole()}, {{"name", "n"}, {"100", true}}, 200);
  EXPECT_EQ(array.size(), 2U);
  EXPECT_EQ(array.length(), 200U);
  EXPECT_EQ(array["name"], Value("n"));
  EXPECT_EQ(array[100], Value(true));
  EXPECT_TRUE(array[1].is_undefined());
  EXPECT_TRUE(array[50].is_undefined());
  EXPECT_EQ(array.members()[0].first, "100");
  EXPECT_NE(array, Value::array({1, Value::hole()}));
  EXPECT_THROW(Value::array({1}, {{"0", 1}}), std::invalid_argument);
  EXPECT_THROW(Value::array({1}, {{"1", 1}}), std::invalid_argument);
  EXPECT_THROW(Value(array).push_back(1), std::logic_error);
  Value named = Value::array({1}, {{"name", "n"}});
  named.push_back(2);
  EXPECT_EQ(named, Value::array({1, 2}, {{"name", "n"}}));
  Value moved = std::move(named);
  EXPECT_EQ(moved["name"], Value("n"));
  EXPECT_TRUE(named.is_undefined());  // NOLINT(bugprone-use-after-move)
}

TEST(ValueKinds, CopiesAreDeep) {
  for (const Value& value :
       {Value::map_of({{Value::object().set("k", 1), Value::set_of({"s"})}}), Value::bigint(-7),
        Value::regexp("a", "g"), Value::bytes("abc"), Value::error("m"), Value::boxed(1), Value::date(5),
        Value::reference(3), Value::hole(), Value::array({1}, {{"name", Value::array()}}, 9)}) {
    Value copy(value);
    EXPECT_EQ(copy, value);
    EXPECT_EQ(copy.kind(), value.kind());
    EXPECT_EQ(copy.depth(), value.depth());
    const Value moved(std::move(copy));
    EXPECT_EQ(moved, value);
  }
}

TEST(ValueKinds, MapsNestAndAreMeasured) {
  Value deepest = 1;
  for (unsigned i = 0; i < Value::max_depth; ++i) deepest = Value::map_of({{1, deepest}});
  EXPECT_EQ(deepest.depth(), Value::max_depth);
  EXPECT_THROW(Value::set_of({deepest}), std::length_error);
  EXPECT_THROW(Value::map_of({{deepest, 1}}), std::length_error);
  EXPECT_THROW(Value::error("m").set("cause", deepest), std::length_error);
  EXPECT_THROW(Value::array({}, {{"a", deepest}}), std::length_error);
}

TEST(ValueKinds, ReferencesMoveWithWhatTheyAreIn) {
  const auto with = [](std::uint32_t n) {
    return Value::array({Value::map_of({{Value::reference(n), Value::set_of({Value::reference(n + 1)})}}),
                         Value::error("m").set("cause", Value::reference(n)),
                         Value::object().set("a", Value::array({}, {{"b", Value::reference(n)}}))});
  };
  Value value = with(3);
  EXPECT_TRUE(value.refers());
  value.move_references(2);
  EXPECT_EQ(value, with(5));
  value.move_references(-5);
  EXPECT_EQ(value, with(0));
  EXPECT_FALSE(Value::array({1, Value::object()}).refers());
}

TEST(ValueKinds, PrintAsTheirKindWhereJsonHasNone) {
  std::ostringstream out;
  out << Value::bigint(1) << ' ' << Value() << ' ' << Value::date(0) << ' ' << Value::reference(1);
  EXPECT_EQ(out.str(), R"(bigint undefined "1970-01-01T00:00:00.000Z" reference)");
}

/// An expression of JavaScript, and the value that it makes.
const std::vector<std::pair<std::string, Value>>& expressions() {
  static const std::vector<std::pair<std::string, Value>> all = {
      {"new Date(0)", Value::date(0)},
      {"new Date(NaN)", Value::date(std::nan(""))},
      {"new Date(1700000000123)", Value::date(1700000000123)},
      {"new Date(-1)", Value::date(-1)},
      {"new Date(-62167219200001)", Value::date(-62167219200001)},
      {"new Date(-62167219200000)", Value::date(-62167219200000)},
      {"new Date(253402300800000)", Value::date(253402300800000)},
      {"new Date(8.64e15)", Value::date(8.64e15)},
      {"new Date(-8.64e15)", Value::date(-8.64e15)},
      {"new Map([[1,2]])", Value::map_of({{1, 2}})},
      {"new Set([1])", Value::set_of({1})},
      {"/a/g", Value::regexp("a", "g")},
      {"new Error('m', {cause: 1})", Value::error("m").set("cause", 1)},
      {"Buffer.from([1, 255])", Value::bytes("\1\xff")},
      {"Buffer.from([])", Value::bytes("")},
      {"new Uint8Array([1, 2])", Value::bytes("\1\2", View::uint8)},
      {"new Int8Array([-1])", Value::bytes("\xff", View::int8)},
      {"new Int16Array([-1])", Value::bytes("\xff\xff", View::int16)},
      {"new Uint16Array([65535])", Value::bytes("\xff\xff", View::uint16)},
      {"new Int32Array([-1])", Value::bytes("\xff\xff\xff\xff", View::int32)},
      {"new Uint32Array([4294967295])", Value::bytes("\xff\xff\xff\xff", View::uint32)},
      {"new Float32Array([1.1])", Value::bytes("\xcd\xcc\x8c\x3f", View::float32)},
      {"new Float64Array([1.5, NaN])",
       Value::bytes("\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\xf8\x7f"s, View::float64)},
      {"new BigInt64Array(0)", Value::bytes("", View::big_int64)},
      {"new DataView(new ArrayBuffer(1))", Value::bytes("a", View::data_view)},
      {"new ArrayBuffer(1)", Value::bytes("a", View::array_buffer)},
      {"new Number(-0)", Value::boxed(-0.0)},
      {"new String('s')", Value::boxed("s")},
      {"new Boolean(false)", Value::boxed(false)},
      {"[1, , 3]", Value::array({1, Value::hole(), 3})},
      {"Object.assign([1], {a: 2})", Value::array({1}, {{"a", 2}})},
      {"Object.assign(new Array(4), {2: 1})", Value::array({}, {{"2", 1}}, 4)},
      {"({a: undefined, b: [undefined]})",
       Value::object().set("a", Value()).set("b", Value::array({Value()})).set("c", Value::hole())},
  };
  return all;
}

TEST(JsonOfKinds, IsWhatJsonStringifyMakesOfThem) {
  const char* chosen = std::getenv("BATON_NODE");
  const std::string node = chosen != nullptr && *chosen != '\0' ? chosen : "node";
  std::string script = "for (const value of [";
  for (const auto& [expression, value] : expressions()) script += expression + ",";
  script += "]) console.log(JSON.stringify(value))";
  FILE* pipe = ::popen(('"' + node + "\" -e \"" + script + "\" 2>/dev/null").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::vector<std::string> lines;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr)
    lines.emplace_back(line, std::string_view(line).size() - 1);
  if (::pclose(pipe) != 0) GTEST_SKIP() << "no node on PATH and none in $BATON_NODE";
  ASSERT_EQ(lines.size(), expressions().size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(to_json(expressions()[i].second), lines[i]) << expressions()[i].first;
  }
}

TEST(JsonOfKinds, HasHalvesOfFloatsToo) {
  const Value halves = Value::bytes("\x00\x3c\x01\x00\x00\xfc\xff\x7b"s, View::float16);
  EXPECT_EQ(to_json(halves), R"({"0":1,"1":5.960464477539063e-8,"2":null,"3":65504})");
}

TEST(JsonOfKinds, DoesNotExistForBigintsAndReferences) {
  std::string out = "as it was";
  for (const Value& value :
       {Value::bigint(1), Value::object().set("a", Value::array({1, Value::bigint(1)})),
        Value::boxed(Value::bigint(1)), Value::bytes("12345678", View::big_uint64),
        Value::array({Value::reference(0)}), Value::hole(), Value::array({}, {}, 4000000000)}) {
    const auto written = wire::write_json(value, out);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), Errc::bad_message);
    EXPECT_EQ(out, "as it was");
  }
}

}  // namespace
}  // namespace baton
