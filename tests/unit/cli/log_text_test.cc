#include "cli/log_text.h"

#include <gtest/gtest.h>

#include "baton/wire/json.h"

namespace baton::cli {
namespace {

TEST(Visible, LeavesTextsOfAnyLanguageAsTheyAre) {
  for (const char* text : {"", "plain\ttext ~", "Grüße, 世界 \U0001f600", "\u00a0\u0394"}) {
    EXPECT_EQ(visible(text), text);
  }
}

TEST(Visible, ShowsControlCharacters) {
  EXPECT_EQ(visible("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(visible("a\rb\x07\x7f"), "a\\x0db\\x07\\x7f");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(visible("\u009b31m\u0085"), "\\u009b31m\\u0085");
}

TEST(Visible, ShowsBytesThatAreNoCharacters) {
  EXPECT_EQ(visible("a\xff\xfe z"), "a\\xff\\xfe z");
  EXPECT_EQ(visible("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(visible("\xc0\x80"), "\\xc0\\x80");
}

TEST(JsonLine, IsOneObjectWithItsTime) {
  const std::string line = json_line(Value::object().set("message", "a\nb \xff \"c\"\x1b"));
  EXPECT_TRUE(line.ends_with("Z\"}\n"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto value = wire::read_json(line.substr(0, line.size() - 1));
  ASSERT_TRUE(value) << value.error().what();
  EXPECT_EQ((*value)["message"].as_string(), "a\nb \ufffd \"c\"\x1b");
  EXPECT_EQ((*value)["time"].as_string().size(), std::string_view("2026-01-01T00:00:00.000Z").size());
}

}  // namespace
}  // namespace baton::cli
