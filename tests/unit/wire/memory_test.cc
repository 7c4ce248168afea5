// What one message may become in memory.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "baton/wire/advanced.h"
#include "baton/wire/json.h"
#include "unit/wire/channel_machine_end.h"
#include "wire/handle_message.h"
#include "wire/pile.h"

namespace baton::wire {
namespace {

using namespace std::string_literals;
using test::End;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::string many(std::string_view open, std::string_view unit, std::string_view close, std::size_t size) {
  std::string text(open);
  while (text.size() + unit.size() + close.size() < size) text += unit;
  return text.append(close);
}

/// A dense array of so many values of advanced serialization.
std::string dense(std::string_view unit, std::size_t size) {
  std::string length;
  std::size_t left = size / unit.size();
  for (; left >= 0x80; left >>= 7) length += static_cast<char>(left | 0x80);
  length += static_cast<char>(left);
  std::string text =
      "\xff\x0f"
      "A" +
      length;
  for (std::size_t i = 0; i < size / unit.size(); ++i) text += unit;
  return text + "$\0"s + length;
}

void expect_too_much(const Result<Value>& value, std::string_view what) {
  ASSERT_FALSE(value) << what;
  EXPECT_EQ(value.error().code(), Errc::message_too_large) << what;
  EXPECT_TRUE(value.error().step().contains("the value takes more than 1048576 bytes"))
      << value.error().what();
}

TEST(Memory, OfAJsonTextIsBoundedWhateverItIsMadeOf) {
  const auto limits = JsonLimits().memory(mebibyte, 0);
  for (const std::string_view unit : {"1,", "[],", "[1],", "{},", "\"\",", "[[[]]],", "{\"a\":1},", "1.5,",
                                      "true,", "\"0123456789abcdef\","}) {
    expect_too_much(read_json(many("[", unit, "1]", mebibyte), limits), unit);
  }
  for (const std::string_view unit : {"\"\":1,", "\"a\":[],", "\"0123456789abcdef\":1,"}) {
    expect_too_much(read_json(many("{", unit, "\"\":1}", mebibyte), limits), unit);
  }
  expect_too_much(read_json(many("\"", "\xff", "\"", mebibyte), limits), "bytes that are no UTF-8");
  expect_too_much(read_json(many("[\"", "\\n", "\",[],[]]", 2 * mebibyte), JsonLimits().memory(mebibyte, 0)),
                  "escapes");
}

TEST(Memory, OfAnAdvancedMessageIsBoundedWhateverItIsMadeOf) {
  const auto limits = AdvancedLimits().memory(mebibyte, 0);
  for (const std::string& unit : {"0"s, "T"s, "-"s, "y"s, "r."s, "o{\0"s, "A\0$\0\0"s, "a\x08@\0\x08"s,
                                  "\"\0"s, "Z\0"s, "',\0"s, ";:\0"s, "B\0"s, "I\2"s, "o\"\1aI\2{\1"s,
                                  "\"\x10"
                                  "0123456789abcdef"s,
                                  "D\0\0\0\0\0\0\0\0"s}) {
    expect_too_much(read_advanced(dense(unit, mebibyte), limits), testing::PrintToString(unit));
  }
}

/// The least memory under which it is read.
std::size_t least_memory(const std::string& message) {
  std::size_t too_little = 0;
  std::size_t enough = 16 * mebibyte;
  while (enough - too_little > 1) {
    const std::size_t middle = (too_little + enough) / 2;
    (read_advanced(message, AdvancedLimits().memory(middle, 0)) ? enough : too_little) = middle;
  }
  return enough;
}

TEST(Memory, OfKeysThatAreNumbersCountsTheirTexts) {
  constexpr int members = 100;
  constexpr std::size_t longer_than_a_string_itself = 24;
  const auto object = [](auto key) {
    std::string text = "\xff\x0fo";
    for (int i = 0; i < members; ++i) text += key(i) + "0";
    return text + "{" + static_cast<char>(members);
  };
  const std::string numbers = object([](int i) {
    const double number = (i + 1) * 1.2345678901234567e-250;
    return "N" + std::string(reinterpret_cast<const char*>(&number), sizeof number);
  });
  const std::string texts = object([](int i) { return "\"\4" + std::to_string(1000 + i); });
  EXPECT_GE(least_memory(numbers), least_memory(texts) + members * longer_than_a_string_itself / 2);
}

// At eight times their size, without what is granted to small ones.
TEST(Memory, IsEnoughForWhatProgramsSend) {
  const auto limits = JsonLimits().memory(0);
  for (const std::string_view unit :
       {"12345,", "0.123456789,", "\"a text of a line, as it may be\",", "[12.345678,45.678901],",
        R"({"id":12345,"name":"Alice","active":true,"mail":"alice@example.org"},)",
        R"({"time":"2024-01-01T00:00:00.000Z","level":"info","message":"listening","tags":["a1","b2"]},)"}) {
    EXPECT_TRUE(read_json(many("[", unit, "123456]", mebibyte), limits)) << unit;
  }
  EXPECT_TRUE(read_json(many("\"", "hello world ", "\"", mebibyte), limits));
  EXPECT_TRUE(read_json(many("\"", "\\u00e4\\n", "\"", mebibyte), limits));
  EXPECT_TRUE(read_json(many("[", "1,", "1]", 3 * mebibyte)));  // what is small may be of any kind
}

TEST(Memory, OfAPileIsFreeAgainWhenItIsTakenFrom) {
  constexpr std::size_t all = 64 * mebibyte;
  Allowance allowance(all);
  Pile<std::string, 4> pile(allowance);
  std::vector<std::string> taken;
  const auto take = [&](std::string&& text) { taken.push_back(std::move(text)); };
  for (int i = 0; i < 300'000; ++i) ASSERT_TRUE(pile.push(std::to_string(i)));
  ASSERT_TRUE(pile.take_last(299'990, 0, take));
  EXPECT_TRUE(allowance.take(all - 4096));
  ASSERT_EQ(taken.size(), 299'990U);
  EXPECT_EQ(taken.front(), "10");
  EXPECT_EQ(taken.back(), "299999");
  taken.clear();
  ASSERT_TRUE(pile.take_last(10, 0, take));
  EXPECT_EQ(taken.front(), "0");
  EXPECT_EQ(taken.back(), "9");
  EXPECT_FALSE(allowance.exhausted());
  while (pile.push("x")) continue;
  EXPECT_TRUE(allowance.exhausted());
  EXPECT_FALSE(pile.take_last(1, 1, take));
}

ChannelLimits reading_elsewhere() {
  ChannelLimits limits;
  limits.at_once = 1024;
  return limits;
}

std::string array_line(std::size_t count) { return many("[", "1,", "1]\n", 2 * count); }

TEST(LargeFrame, IsReadElsewhereAndWhatComesBehindItWaits) {
  End end(reading_elsewhere());
  const std::string line = array_line(2000);
  end.read("1\n" + line + "2\n\"a part");
  EXPECT_EQ(end.deliveries(), "1");
  ASSERT_TRUE(end.machine.large_frame());
  EXPECT_EQ(*end.machine.large_frame() + "\n", line);
  EXPECT_TRUE(end.machine.saturated());
  end.machine.read_large(Value("the array"));
  EXPECT_FALSE(end.machine.large_frame());
  EXPECT_EQ(end.deliveries(), "\"the array\" 2");
  end.read(" of it\"\n");
  EXPECT_EQ(end.deliveries(), "\"a part of it\"");
}

TEST(LargeFrame, KeepsItsDescriptor) {
  End end(reading_elsewhere());
  const std::string line = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":" + array_line(2000);
  end.read(line.substr(0, line.size() - 1) + "}\n3\n", {test::listener});
  ASSERT_TRUE(end.machine.large_frame());
  end.machine.read_large(read_json(*end.machine.large_frame()));
  EXPECT_EQ(end.output(), test::ack);
  const std::string got = end.deliveries();
  EXPECT_TRUE(got.ends_with("1]+1 3")) << got.substr(got.size() - 20);
}

TEST(LargeFrame, ThatIsBadIsReportedAsAnyBadMessage) {
  End end(reading_elsewhere());
  end.read(array_line(2000) + "4\n");
  end.machine.read_large(read_json(*end.machine.large_frame(), JsonLimits().memory(2048, 1)));
  const auto reports = end.reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].starts_with("receive: frame at byte 0: ")) << reports[0];
  EXPECT_TRUE(reports[0].ends_with("bytes: message too large")) << reports[0];
  EXPECT_EQ(end.deliveries(), "4");
}

TEST(LargeFrame, OfAPeerThatIsNoLongerHeardIsForgotten) {
  End end(reading_elsewhere());
  end.read(array_line(2000) + "5\n");
  end.machine.end_of_input(false);
  end.machine.read_large(Value(1));
  EXPECT_EQ(end.deliveries(), "END");
}

TEST(HandleMessage, GivesOutWhatWasSentWithoutACopy) {
  Value sent = Value::object().set("cmd", "NODE_HANDLE").set("msg", Value::array({1, 2, 3}));
  const Value* first = &sent["msg"].elements()[0];
  const Value got = HandleMessage(std::move(sent)).take_message();
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(&got.elements()[0], first);
}

// It was kept as it came, and the loop has no more time to read it now than it had then.
TEST(LargeFrame, ThatHasWaitedIsReadElsewhereAgain) {
  ChannelLimits limits = reading_elsewhere();
  limits.values = 1;
  End end(limits);
  const std::string line = array_line(2000);
  end.read("1\n" + line + "2\n{\"cmd\":\"NODE_A\"}\n");
  end.machine.read_large(read_json(*end.machine.large_frame()));
  EXPECT_FALSE(end.machine.kept_frame());
  EXPECT_EQ(end.deliveries(), "1");
  const auto frame = end.machine.kept_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(*frame + "\n", line);
  EXPECT_EQ(end.deliveries(), "");
  // What is no message need not wait for it, if no messages are taken.
  EXPECT_TRUE(end.machine.next_delivery({false, false, false}));
  end.machine.read_kept(frame, Value("the array"));
  EXPECT_FALSE(end.machine.kept_frame());
  EXPECT_EQ(end.deliveries(), "\"the array\" 2");
}

TEST(LargeFrame, ThatHasWaitedKeepsItsHandle) {
  ChannelLimits limits = reading_elsewhere();
  limits.values = 1;
  End end(limits);
  const std::string line = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":" + array_line(2000);
  end.read("1\n");
  end.read(line.substr(0, line.size() - 1) + "}\n", {test::listener});
  end.machine.read_large(read_json(*end.machine.large_frame()));
  EXPECT_EQ(end.output(), test::ack);
  EXPECT_EQ(end.deliveries(), "1");
  const auto frame = end.machine.kept_frame();
  ASSERT_TRUE(frame);
  end.machine.read_kept(frame, read_json(*frame).value());
  const auto got = end.machine.next_delivery();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->handle, test::listener.id);
  EXPECT_EQ(got->type, "net.Server");
  EXPECT_EQ(got->message, (*read_json(*frame))["msg"]);
}

TEST(LargeFrame, IsOneThatTakesMuchAndNotOneThatIsOnlyLong) {
  End end(reading_elsewhere());
  end.read("\"" + std::string(900, 'x') + "\"\n");
  EXPECT_FALSE(end.machine.large_frame());
  end.read("\"" + std::string(2000, 'x') + "\"\n");
  EXPECT_TRUE(end.machine.large_frame());
}

}  // namespace
}  // namespace baton::wire
