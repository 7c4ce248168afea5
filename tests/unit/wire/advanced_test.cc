#include "baton/wire/advanced.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "baton/wire/json.h"

namespace baton::wire {
namespace {

using namespace std::string_literals;

/// A message of these bytes after the version.
Result<Value> read(const std::string& body, std::string_view version = "\xff\x0f") {
  return read_advanced(std::string(version) + body);
}
std::string advanced(const Value& value) {
  std::string out;
  EXPECT_TRUE(write_advanced(value, out));
  return out;
}
Value there_and_back(const Value& value) { return read_advanced(advanced(value)).value(); }

TEST(Advanced, TakesVersions13To16AndNoOther) {
  for (const auto* version : {"\xff\x0d", "\xff\x0e", "\xff\x0f", "\xff\x10"})
    EXPECT_TRUE(read("0", version));
  for (const auto& version : {"\xff\x0c"s, "\xff\x11"s, "\xff\xff\xff\xff\xff\x0f"s, ""s, "\xff"s, "0"s}) {
    EXPECT_FALSE(read("0", version));
  }
}

TEST(Advanced, PassesOverPaddingCountsAndWhatFollowsTheValue) {
  EXPECT_EQ(read("\0\0\0I\2"s).value(), Value(1));
  EXPECT_EQ(read("?\5I\2"s).value(), Value(1));
  EXPECT_EQ(read("o\0\"\1a\0I\2\0{\1"s).value(), Value::object().set("a", 1));
  EXPECT_EQ(read("I\2 and more").value(), Value(1));
}

TEST(Advanced, TakesNumbersInFormsThatNodeReadsAndDoesNotWrite) {
  EXPECT_EQ(read("U\5").value(), Value(5));
  EXPECT_EQ(read("U\xff\xff\xff\xff\x0f").value(), Value(4294967295LL));
  EXPECT_EQ(read("A\2U\1U\x80\1$\0\2"s).value(), Value::array({1, 128}));
  EXPECT_EQ(read("Z\2\5").value(), Value::bigint(5));
  EXPECT_EQ(read("Z\3\xff").value(), Value::bigint(-255));
  EXPECT_EQ(read("Z\6\1\0\1"s).value(), Value::bigint(65537));
  EXPECT_EQ(read("z\2\5").value(), Value::boxed(Value::bigint(5)));
}

TEST(Advanced, TakesEveryKindOfKey) {
  EXPECT_EQ(read("oI\2T{\1").value(), Value::object().set("1", true));
  EXPECT_EQ(read("oI\1T{\1").value(), Value::object().set("-1", true));
  EXPECT_EQ(read("oU\xff\xff\xff\xff\x0fT{\1").value(), Value::object().set("4294967295", true));
  EXPECT_EQ(read("oN\0\0\0\0\0\0\xf8\x3fT{\1"s).value(), Value::object().set("1.5", true));
  EXPECT_EQ(read("oS\2\xc3\xa9T{\1").value(), Value::object().set("é", true));
  EXPECT_EQ(read("oc\2\xac\x20T{\1").value(), Value::object().set("€", true));
  EXPECT_FALSE(read("oTT{\1"));
}

TEST(Advanced, ReadsStringsOfUtf8AsNodeDoes) {
  EXPECT_EQ(read("S\3\xe2\x82\xac").value(), Value("€"));
  EXPECT_EQ(read("S\2\xff!").value(), Value("\xef\xbf\xbd!"));
  EXPECT_EQ(read("c\4\x3d\xd8\0\xde"s).value(), Value("😀"));
  EXPECT_EQ(read("c\4\0\xde\x3d\xd8"s).value(), Value("\xed\xb8\x80\xed\xa0\xbd"));
}

TEST(Advanced, WritesTextsThatAreNoUtf8AsJsonDoes) {
  EXPECT_EQ(there_and_back("\xff!"), Value("\xef\xbf\xbd!"));
  EXPECT_EQ(there_and_back("\xed\xa0\xbd\xed\xb8\x80"), Value("😀"));  // two halves that met
  EXPECT_EQ(there_and_back("\xed\xa0\xbd"), Value("\xed\xa0\xbd"));
}

TEST(Advanced, EveryCodePointSurvives) {
  for (unsigned first = 0; first < 0x110000; first += 0x400) {
    std::string text;
    for (unsigned code = first; code < first + 0x400; ++code) {
      if (code < 0x80) {
        text += static_cast<char>(code);
      } else if (code < 0x800) {
        text += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
      } else if (code < 0x10000) {
        text += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
                 static_cast<char>(0x80 | (code & 63))};
      } else {
        text += {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
                 static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
      }
    }
    ASSERT_EQ(there_and_back(text), Value(text)) << first;
  }
}

TEST(Advanced, RefusesWhatIsNoMessage) {
  const std::vector<std::string> bad = {
      "",
      "\0\0"s,
      "Q",
      "-",  // a hole outside an array
      "V",  // V8's own views, which Node does not write
      "I",
      "I\xff\xff\xff\xff\xff\xff",  // a number without an end
      "N\0\0"s,
      "\"\5abcd",
      "c\3abc",  // half a character
      "c\xff\xff\xff\xff\x0f",
      "\"\xff\xff\xff\xff\x0f",
      "Z\xff\xff\xff\xff\x0f",
      "B\xff\xff\xff\xff\x0f",
      "A\xff\xff\xff\xff\x0f",
      "a\xff\xff\xff\xff\x0f",
      "~\1\0\0"s,  // longer than it may become
      "o",
      "o{\1",  // counts that are not so
      "o\"\1aT{\2",
      "A\2TT$\0\3"s,
      "A\1T$\1\1",
      "a\1I\0T@\2\1"s,
      "a\1I\2T@\1\1",    // an element after the end
      "A\1TI\0F$\1\1"s,  // an element beside the elements
      ";TT:\1",
      ";T:\1",
      "'T,\2",
      "^\0"s,  // references to what has not come
      "A\1^\1$\0\1"s,
      "R\"\1a\x40",  // flags that JavaScript does not have
      "R\"\1a\x80\4",
      "R\"\1a\x90\2",  // u and v
      "RT\0"s,
      "r",
      "rm.",
      "rx.",
      "s.",
      "n",
      "\\",
      "\\\2",
      "\\\1T",  // a host object that is none
      "\\\1\\\1o{\0"s,
      "\\\0\x0e\0"s,   // no such view
      "\\\0\5\3abc"s,  // a part of an element
      "\\\0\x0a\xff\xff\xff\xff\x0f"s,
  };
  for (const std::string& body : bad) {
    const auto value = read(body);
    ASSERT_FALSE(value) << testing::PrintToString(body);
    EXPECT_EQ(value.error().code(), Errc::bad_message) << testing::PrintToString(body);
  }
}

// Each of these would take the stack or the memory if it were believed.
TEST(Advanced, IsNotKilledByDepth) {
  for (const std::string& open : {"A\1"s, "o\"\1a"s, "'"s, ";T"s, "a\1I\0"s, "rc"s, "\\\1o\"\1a"s}) {
    std::string body;
    for (int i = 0; i < 200000; ++i) body += open;
    const auto value = read(body);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code(), Errc::message_too_deep) << testing::PrintToString(open);
  }
  EXPECT_EQ(read(std::string(1000000, '?')).error().code(), Errc::bad_message);
  EXPECT_EQ(read(std::string(1000000, '\0')).error().code(), Errc::bad_message);
}

TEST(Advanced, NestsUpToItsLimit) {
  Value deep = 1;
  for (int i = 0; i < 512; ++i) deep = Value::set_of({deep});
  EXPECT_EQ(there_and_back(deep), deep);
  deep = Value::map_of({{1, deep}});
  std::string out = "as it was";
  EXPECT_EQ(write_advanced(deep, out).error().code(), Errc::message_too_deep);
  EXPECT_EQ(out, "as it was");
  ASSERT_TRUE(write_advanced(deep, out, AdvancedLimits().depth(513)));
  const std::string_view bytes = std::string_view(out).substr(9);
  EXPECT_EQ(read_advanced(bytes).error().code(), Errc::message_too_deep);
  EXPECT_EQ(read_advanced(bytes, AdvancedLimits().depth(513)).value(), deep);
}

TEST(Advanced, KeepsTheLengthOfAnArrayOfBillionsWithoutItsHoles) {
  const Value array = read("a\xff\xff\xff\xff\x0fI\2T\"\1xF@\2\xff\xff\xff\xff\x0f").value();
  EXPECT_EQ(array.length(), 4294967295U);
  EXPECT_EQ(array.size(), 0U);
  EXPECT_EQ(array[1], Value(true));
  EXPECT_TRUE(array[0].is_undefined());
  EXPECT_EQ(array["x"], Value(false));
  EXPECT_EQ(there_and_back(array), array);
}

TEST(Advanced, FillsFewHolesUp) {
  const Value array = read("a\5I\6T@\1\5").value();
  EXPECT_EQ(array, Value::array({Value::hole(), Value::hole(), Value::hole(), true, Value::hole()}));
  // V8 writes an array that it has read itself as one with holes, even if it has none.
  EXPECT_EQ(read("a\2I\0TI\2F@\2\2"s).value(), Value::array({true, false}));
}

TEST(Advanced, CountsObjectsAsTheirSenderDoes) {
  // [{}, new Date(0), /a/, new Map, new Set, new Error, Buffer.of(), new Boolean(true), the Buffer again]
  const Value array = read("A\x09o{\0D\0\0\0\0\0\0\0\0R\"\1a\0;:\0',\0r.\\\0\x0a\0y^\7$\0\x09"s).value();
  EXPECT_EQ(array[8].get_if_reference(), 7U);
  EXPECT_EQ(there_and_back(array), array);
  // A host object and its members are two objects to the sender, one here.
  const Value host = read("A\4\\\1o{\0^\1^\2o{\0$\0\4"s).value();
  EXPECT_EQ(host[1].get_if_reference(), 1U);
  EXPECT_EQ(host[2].get_if_reference(), 1U);
  EXPECT_EQ(read("A\3\\\1o{\0o{\0^\3$\0\3"s).value()[2].get_if_reference(), 2U);
  // A reference may be to what is not whole yet.
  EXPECT_EQ(read(";^\0T:\2"s).value(), Value::map_of({{Value::reference(0), true}}));
}

TEST(Advanced, RefusesToWriteAReferenceToWhatHasNotCome) {
  std::string out = "as it was";
  for (const Value& value : {Value::reference(0), Value::array({Value::reference(1), Value::object()}),
                             Value::object().set("a", Value::reference(4000000000))}) {
    EXPECT_EQ(write_advanced(value, out).error().code(), Errc::bad_message);
    EXPECT_EQ(out, "as it was");
  }
}

TEST(Advanced, ReadsThePartsOfAnErrorInAnyOrder) {
  const Value expected = Value::error("m", "URIError").set("stack", "s").set("cause", 1);
  EXPECT_EQ(read("rUm\"\1ms\"\1scI\2.").value(), expected);
  EXPECT_EQ(read("rcI\2s\"\1sm\"\1mU.").value(), expected);
  EXPECT_EQ(read("r.").value(), Value::error_of({}));
  EXPECT_EQ(there_and_back(expected), expected);
}

TEST(Advanced, HasOneNaN) {
  EXPECT_EQ(advanced(std::nan("")), advanced(-std::nan("7")));
  EXPECT_TRUE(std::isnan(there_and_back(std::nan("")).as_number()));
  EXPECT_TRUE(std::signbit(there_and_back(-0.0).as_number()));
}

TEST(Advanced, KeepsIndicesAsKeys) {
  const Value object =
      Value::object().set("b", 1).set("2147483648", 2).set("7", 3).set("4294967295", 4).set("07", 5);
  EXPECT_EQ(there_and_back(object), object);
  EXPECT_EQ(there_and_back(object).members()[1].first, "2147483648");
}

TEST(Advanced, HolesOfAllArraysTogetherAreNotWrittenAsJsonWithoutEnd) {
  const Value sparse =
      Value::array(std::vector<Value>(), std::vector<Value::Member>(), std::uint32_t{8} << 20);
  std::string text;
  EXPECT_TRUE(write_json(sparse, text));
  text.clear();
  EXPECT_FALSE(write_json(Value::array(std::vector<Value>{sparse, sparse}), text));
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace baton::wire
