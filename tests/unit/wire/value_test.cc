#include "baton/wire/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace baton {
namespace {

using Kind = Value::Kind;

static_assert(sizeof(Value) <= 40);
static_assert(std::is_nothrow_move_constructible_v<Value> && std::is_nothrow_move_assignable_v<Value>);
static_assert(!std::is_constructible_v<Value, char> && !std::is_constructible_v<Value, int*>);

Value nested(unsigned depth) {
  Value value = Value::array();
  while (value.depth() < depth) value = Value::array().push_back(std::move(value));
  return value;
}

std::vector<std::string> keys_of(const Value& value) {
  std::vector<std::string> keys;
  for (const auto& [key, member] : value.members()) keys.push_back(key);
  return keys;
}

using Keys = std::vector<std::string>;

TEST(Value, IsMadeFromWhatCppHas) {
  EXPECT_EQ(Value().kind(), Kind::undefined);
  EXPECT_EQ(Value(nullptr).kind(), Kind::null);
  EXPECT_EQ(Value(true).kind(), Kind::boolean);
  EXPECT_EQ(Value(0).kind(), Kind::integer);
  EXPECT_EQ(Value(7U).as_integer(), 7);
  EXPECT_EQ(Value(std::int8_t{-7}).as_integer(), -7);
  EXPECT_EQ(Value(1.5F).as_number(), 1.5);
  EXPECT_EQ(Value("text").as_string(), "text");
  EXPECT_EQ(Value(std::string_view("a\0b", 3)).as_string().size(), 3U);
  EXPECT_EQ(Value::array({1, "two", nullptr}).size(), 3U);
  EXPECT_EQ(Value::array({}).size(), 0U);
  EXPECT_EQ(Value::object({{"a", 1}, {"b", "x"}})["b"].as_string(), "x");
  EXPECT_EQ(Value::object({{"a", "x"}, {"b", "y"}}).size(), 2U);
  EXPECT_TRUE(Value::object().is_object());
}

TEST(Value, HoldsWholeNumbersAsIntegersHoweverTheyWereMade) {
  EXPECT_TRUE(Value(2.0).is_integer());
  EXPECT_TRUE(Value(9007199254740992.0).is_integer());
  EXPECT_EQ(Value(9007199254740994.0).kind(), Kind::number);
  EXPECT_EQ(Value(-0.0).kind(), Kind::number);
  EXPECT_TRUE(std::signbit(Value(-0.0).as_number()));
  EXPECT_EQ(Value(0.5).kind(), Kind::number);
  EXPECT_EQ(Value(std::numeric_limits<double>::quiet_NaN()).kind(), Kind::number);
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).kind(), Kind::number);
}

TEST(Value, RefusesIntegersThatJavaScriptWouldRound) {
  EXPECT_EQ(Value(Value::max_integer).as_integer(), Value::max_integer);
  EXPECT_EQ(Value(-Value::max_integer).as_integer(), -Value::max_integer);
  EXPECT_THROW(Value(Value::max_integer + 1), std::out_of_range);
  EXPECT_THROW(Value(-Value::max_integer - 1), std::out_of_range);
  EXPECT_THROW(Value{std::numeric_limits<std::int64_t>::min()}, std::out_of_range);
  EXPECT_THROW(Value{std::numeric_limits<std::uint64_t>::max()}, std::out_of_range);
}

TEST(Value, ReadsAbsentThingsAsUndefined) {
  const Value value = Value::object({{"list", Value::array({1, 2})}, {"nothing", Value()}});
  EXPECT_TRUE(value["absent"]["deeper"][3].is_undefined());
  EXPECT_TRUE(value[0].is_undefined());
  EXPECT_TRUE(value["list"]["0"].is_undefined());
  EXPECT_TRUE(value["list"][2].is_undefined());
  EXPECT_EQ(value["list"][1].as_integer(), 2);
  EXPECT_EQ(value["list"][0].as_integer(), 1);
  EXPECT_EQ(value.find("absent"), nullptr);
  ASSERT_NE(value.find("nothing"), nullptr);
  EXPECT_TRUE(value.find("nothing")->is_undefined());
}

TEST(Value, NamesBothKindsWhenItIsNotWhatWasAskedFor) {
  try {
    static_cast<void>(Value::array().as_string());
    FAIL() << "no exception";
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "Value: string expected, found array");
  }
  EXPECT_THROW(static_cast<void>(Value(1).as_boolean()), std::logic_error);
  EXPECT_THROW(static_cast<void>(Value(1.5).as_integer()), std::logic_error);
  EXPECT_THROW(static_cast<void>(Value("1").as_number()), std::logic_error);
  EXPECT_THROW(Value().set("a", 1), std::logic_error);
  EXPECT_THROW(Value::object().push_back(1), std::logic_error);
  EXPECT_THROW(Value(1).take("a"), std::logic_error);
}

TEST(Value, GivesAValueOnlyIfItIsOfThatKind) {
  EXPECT_EQ(Value(true).get_if_boolean(), true);
  EXPECT_EQ(Value(1).get_if_boolean(), std::nullopt);
  EXPECT_EQ(Value(1).get_if_integer(), 1);
  EXPECT_EQ(Value(-0.0).get_if_integer(), 0);
  EXPECT_EQ(Value(-0.0).as_integer(), 0);
  EXPECT_EQ(Value(1.5).get_if_integer(), std::nullopt);
  EXPECT_EQ(Value(1).get_if_number(), 1.0);
  EXPECT_EQ(Value("1").get_if_number(), std::nullopt);
  Value text("text");
  ASSERT_NE(text.get_if_string(), nullptr);
  EXPECT_EQ(*text.get_if_string(), "text");
  EXPECT_EQ(Value().get_if_string(), nullptr);
}

TEST(Value, KeepsMembersInJavaScriptsOrder) {
  Value value = Value::object();
  value.set("b", 1).set("10", 2).set("a", 3).set("9", 4).set("b", 5).set("01", 6).set("0", 7).set(
      "4294967295", 8);
  EXPECT_EQ(keys_of(value), (Keys{"0", "9", "10", "b", "a", "01", "4294967295"}));
  EXPECT_EQ(value["b"].as_integer(), 5);
  EXPECT_EQ(keys_of(Value::object({{"z", 1}, {"4294967294", 1}, {"2", 1}, {"z", 2}, {"", 3}})),
            (Keys{"2", "4294967294", "z", ""}));
}

TEST(Value, LetsTheLastOfSeveralMembersOfOneNameWinInTheFirstOnesPlace) {
  Value few = Value::object({{"a", 1}, {"b", 2}, {"a", 3}, {"c", 4}, {"a", 5}, {"b", 6}});
  EXPECT_EQ(keys_of(few), (Keys{"a", "b", "c"}));
  EXPECT_EQ(few, Value::object({{"a", 5}, {"b", 6}, {"c", 4}}));

  std::vector<Value::Member> many;
  for (int i = 0; i < 1000; ++i) many.emplace_back("key" + std::to_string(i % 100), i);
  Value object = Value::object(std::move(many));
  ASSERT_EQ(object.size(), 100U);
  for (int i = 0; i < 100; ++i) {
    auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(object.members()[at].first, "key" + std::to_string(i));
    EXPECT_EQ(object.members()[at].second.as_integer(), 900 + i);
  }
}

TEST(Value, TakesMembersOut) {
  Value value = Value::object({{"a", "text"}, {"b", 2}});
  EXPECT_EQ(value.take("a").as_string(), "text");
  EXPECT_TRUE(value.take("a").is_undefined());
  EXPECT_EQ(keys_of(value), Keys{"b"});
}

TEST(Value, IsBuiltByChainingWhereBraceListsAreNotAllowed) {
  Value value = Value::object().set("id", 7).set("list", Value::array().push_back(1).push_back("x"));
  EXPECT_EQ(value, Value::object({{"id", 7}, {"list", Value::array({1, "x"})}}));
}

TEST(Value, ComparesDeeply) {
  EXPECT_EQ(Value(1), Value(1.0));
  EXPECT_EQ(Value(0), Value(-0.0));
  EXPECT_NE(Value(std::nan("")), Value(std::nan("")));
  EXPECT_NE(Value(0), Value(false));
  EXPECT_NE(Value(), Value(nullptr));
  EXPECT_EQ(Value::object({{"a", 1}, {"b", 2}}), Value::object({{"b", 2}, {"a", 1}}));
  EXPECT_NE(Value::object({{"a", 1}}), Value::object({{"a", 1}, {"b", Value()}}));
  EXPECT_NE(Value::object({{"a", 1}, {"b", 2}}), Value::object({{"b", 1}, {"a", 2}}));
  EXPECT_EQ(Value::array({1, Value::array({2})}), Value::array({1, Value::array({2})}));
  EXPECT_NE(Value::array({1, 2}), Value::array({2, 1}));
}

TEST(Value, CopiesDeeplyAndLeavesUndefinedBehindWhenMoved) {
  Value value = Value::object({{"list", Value::array({"a long text that is not held in place"})}});
  Value copy = value;
  Value moved = std::move(value);
  EXPECT_EQ(copy, moved);
  EXPECT_TRUE(value.is_undefined());
  EXPECT_EQ(value.depth(), 0U);
  copy.set("more", 1);
  EXPECT_NE(copy, moved);
  copy = copy["list"];
  EXPECT_EQ(copy, moved["list"]);
}

TEST(Value, MayBeReplacedByAPartOfItself) {
  Value value = Value::object({{"a", Value::array({"a long text that is not held in place", 2})}});
  value = value["a"];
  ASSERT_TRUE(value.is_array());
  value = value[0];
  EXPECT_EQ(value.as_string(), "a long text that is not held in place");
  Value list = Value::array();
  list.push_back(list).push_back(list);
  EXPECT_EQ(list, Value::array({Value::array(), Value::array({Value::array()})}));
}

TEST(Value, ThatIsLargeStaysSoWhereverItOrAPartOfItGoes) {
  Value value = Value::object({{"a", Value::array({1, "text"})}, {"b", 7}, {"c", "more"}});
  EXPECT_FALSE(value.large());
  value.mark_large();
  const Value copy = value;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_TRUE(copy.large());
  EXPECT_EQ(copy, value);
  Value moved = std::move(value);
  EXPECT_TRUE(moved.large());
  EXPECT_FALSE(value.large());  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(moved.take("a").large());
  EXPECT_EQ(moved.size(), 2U);
  EXPECT_FALSE(moved["c"].large());
  EXPECT_TRUE(std::move(moved).take("c").large());
  moved = 1;
  EXPECT_FALSE(moved.large());
}

double cpu_of_this_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

TEST(Value, ThatIsLargeCostsWhoDestroysItNoTime) {
  const auto time_to_destroy = [](bool large) {
    std::optional<Value> value = Value::array(std::vector<Value>(200'000, Value::array({"text"})));
    if (large) value->mark_large();
    const double before = cpu_of_this_thread();
    value.reset();
    return cpu_of_this_thread() - before;
  };
  EXPECT_LT(time_to_destroy(true), time_to_destroy(false) / 4);
}

TEST(Value, KnowsHowDeepItNests) {
  EXPECT_EQ(Value(1).depth(), 0U);
  EXPECT_EQ(Value::array().depth(), 1U);
  EXPECT_EQ(Value::object({{"a", 1}, {"b", nested(3)}}).depth(), 4U);
  Value value = Value::object({{"shallow", nested(2)}, {"deep", nested(5)}});
  EXPECT_EQ(value.depth(), 6U);
  value.set("deep", nested(4));
  EXPECT_EQ(value.depth(), 5U);
  value.set("shallow", nested(7));
  EXPECT_EQ(value.depth(), 8U);
  EXPECT_EQ(value.take("shallow").depth(), 7U);
  EXPECT_EQ(value.depth(), 5U);
  value.take("deep");
  EXPECT_EQ(value.depth(), 1U);
}

TEST(Value, RefusesToNestDeeperThanItCanBeWalked) {
  Value deepest = nested(Value::max_depth);
  EXPECT_EQ(Value(deepest), deepest);
  EXPECT_THROW(Value::array().push_back(deepest), std::length_error);
  EXPECT_THROW(Value::object().set("a", deepest), std::length_error);
  EXPECT_THROW(Value::array({deepest}), std::length_error);
  EXPECT_THROW(Value::object({{"a", deepest}}), std::length_error);
  Value untouched = Value::object({{"a", 1}});
  EXPECT_THROW(untouched.set("a", deepest), std::length_error);
  EXPECT_EQ(untouched, Value::object({{"a", 1}}));
}

TEST(Value, PrintsItselfAsJson) {
  std::ostringstream out;
  out << Value::object({{"a", 1}}) << ' ' << Value();
  EXPECT_EQ(out.str(), R"({"a":1} undefined)");
}

}  // namespace
}  // namespace baton
