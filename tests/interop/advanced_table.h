#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "baton/wire/value.h"

namespace baton::test {

/// What advanced_values.js has, by name, in this version of Node.
inline std::vector<std::pair<std::string, Value>> advanced_table(int node = std::numeric_limits<int>::max()) {
  using View = Value::View;
  using namespace std::string_literals;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto error = [](const char* message, const char* name, const char* stack) {
    return Value::error(message, name).set("stack", stack);
  };
  const Value inner = Value::object().set("why", error("inner", "SyntaxError", "S4"));
  std::vector<std::pair<std::string, Value>> table = {
      {"nothing_inside",
       Value::object().set("u", Value()).set("n", nullptr).set("list", Value::array({Value(), nullptr}))},
      {"numbers", Value::array({0, -0.0, nan, infinity, -infinity, 1.5, 2147483648LL, -2147483648LL,
                                9007199254740992LL, 5e-324})},
      {"texts", Value::array({"", "ascii", "hé\xc3\xbf", "€", "😀", "\xed\xa0\x80", "\xed\xb0\x80x", "\0"s,
                              "父进程"})},
      {"bigints", Value::array({Value::bigint(0), Value::bigint(1), Value::bigint(-1),
                                Value::bigint("9223372036854775808"), Value::bigint("-18446744073709551616"),
                                Value::bigint("123456789012345678901234567890")})},
      {"dates", Value::array({Value::date(0), Value::date(1700000000123), Value::date(-1)})},
      {"regexps",
       Value::array({Value::regexp("a+"), Value::regexp("\\u20ac\\/", "gi"), Value::regexp("x", "dgimsuy")})},
      {"holes", Value::array({1, Value::hole(), 3, Value::hole(), Value::hole()})},
      {"sparse", Value::array({}, {{"1000", "far"}}, 1001)},
      {"named", Value::array({1, 2}, {{"name", "n"}})},
      {"map",
       Value::map_of(
           {{"k", 1}, {Value::object().set("deep", true), Value::map_of({})}, {nan, Value::array({-0.0})}})},
      {"set", Value::set_of({1, "a", Value::set_of({nullptr})})},
      {"buffers", Value::array({Value::bytes("\1\2\xff"), Value::bytes(""), Value::bytes("\x09", View::uint8),
                                Value::bytes("\1", View::uint8_clamped), Value::bytes("\xff", View::int8)})},
      {"arrays",
       Value::array({Value::bytes("\1\0\xff\xff"s, View::int16), Value::bytes("\xff\xff", View::uint16),
                     Value::bytes("\xfe\xff\xff\xff", View::int32),
                     Value::bytes("\xff\xff\xff\xff", View::uint32)})},
      {"floats",
       Value::array({Value::bytes("\0\0\xc0\x3f"s, View::float32),
                     Value::bytes("\x9a\x99\x99\x99\x99\x99\xb9\x3f\0\0\0\0\0\0\xf8\x7f"s, View::float64),
                     Value::bytes(std::string(8, '\xff'), View::big_int64),
                     Value::bytes("\1\0\0\0\0\0\0\0"s, View::big_uint64)})},
      {"array_buffer", Value::array({Value::bytes("\1\2\3", View::array_buffer),
                                     Value::bytes(std::string(2, '\0'), View::data_view)})},
      {"errors",
       Value::array({error("plain", "Error", "S1"), error("typed", "TypeError", "S2"),
                     error("", "RangeError", "S3"), error("with", "Error", "S5").set("cause", inner)})},
      {"boxed", Value::array({Value::boxed(1.5), Value::boxed("s"), Value::boxed(true), Value::boxed(false),
                              Value::boxed(Value::bigint(5))})},
      {"shared", Value::object()
                     .set("first", Value::object().set("x", 1))
                     .set("second", Value::reference(1))
                     .set("list", Value::array({Value::reference(1)}))},
      {"cycle", Value::object().set("list", Value::array({Value::reference(0)}))},
      {"indices", Value::object().set("7", 2).set("2147483648", 3).set("b", 1).set("07", 4)},
      {"long_text", std::string(100000, 'x')},
      {"long_bytes", Value::bytes(std::string(300000, '\7'))},
      {"invalid_date", Value::array({Value::date(nan)})},
      {"other_errors", Value::array({error("e", "EvalError", "S1"), error("r", "ReferenceError", "S2"),
                                     error("u", "URIError", "S3")})},
      {"no_stack", Value::error("bare")},
      {"empty", Value::array({Value::map_of({}), Value::set_of({}), Value::array(), Value::object()})},
  };
  if (node >= 20) {
    table.emplace_back("regexp_v", Value::array({Value::regexp("[a--b]", "v")}));
    table.emplace_back("resizable", Value::array({Value::resizable_bytes(std::string(2, '\0'), 4)}));
  }
  if (node >= 24) table.emplace_back("float16", Value::array({Value::bytes("\0\x3e\0\x80"s, View::float16)}));
  return table;
}

/// What becomes a member of an object, which is the first one there.
inline Value inside(Value value) {
  value.move_references(1);
  return value;
}

}  // namespace baton::test
