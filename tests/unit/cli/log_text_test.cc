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

TEST(Visible, ShowsWhatTurnsTextAroundOrCannotBeSeen) {
  EXPECT_EQ(visible("gpj.\u202eexe"), "gpj.\\u202eexe");
  for (const char* hidden : {"\u00ad", "\u061c", "\u200b", "\u200d", "\u200e", "\u200f", "\u2028", "\u202a",
                             "\u2060", "\u2066", "\u2069", "\ufeff", "\U000e0041"}) {
    const std::string shown = visible(hidden);
    EXPECT_TRUE(shown.starts_with("\\u") || shown.starts_with("\\U")) << shown;
  }
  EXPECT_EQ(visible("\U000e0041"), "\\U000e0041");
}

TEST(Visible, ShowsBytesThatAreNoCharacters) {
  EXPECT_EQ(visible("a\xff\xfe z"), "a\\xff\\xfe z");
  EXPECT_EQ(visible("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(visible("\xc0\x80"), "\\xc0\\x80");
}

std::string coloured(std::string_view text) {
  std::string out;
  append_coloured(out, text);
  return out;
}

TEST(Coloured, LeavesColoursAndEndsThemWithTheText) {
  EXPECT_EQ(coloured("plain"), "plain");
  EXPECT_EQ(coloured("a \x1b[31mred\x1b[38;2;1;2;3mother\x1b[m b"),
            "a \x1b[31mred\x1b[38;2;1;2;3mother\x1b[m b\x1b[0m");
}

TEST(Coloured, ShowsWhateverElseATerminalWouldObey) {
  EXPECT_EQ(coloured("\x1b[38;5;8mgrey\x1b[48;5;38;1mon blue"),
            "\x1b[38;5;8mgrey\x1b[48;5;38;1mon blue\x1b[0m");
  EXPECT_EQ(coloured("\x1b[8mhidden\x1b[38;5;38;08mtoo"), R"(\x1b[8mhidden\x1b[38;5;38;08mtoo)")
      << "nothing is hidden by its colour";
  EXPECT_EQ(coloured("\x1b[38;8mx"), R"(\x1b[38;8mx)");
  EXPECT_EQ(visible("\u034f\u115f\u3164\ufe00\uffa0 \u2764\ufe0f"),
            "\\u034f\\u115f\\u3164\\ufe00\\uffa0 \u2764\ufe0f");
  EXPECT_EQ(coloured("\x1b[2J\x1b]0;title\x07\x1b[31"), R"(\x1b[2J\x1b]0;title\x07\x1b[31)");
  EXPECT_EQ(coloured("\x1b\x1b[1mx\x1b[6nm\u202e"), "\\x1b\x1b[1mx\\x1b[6nm\\u202e\x1b[0m");
}

TEST(TimeOfDay, IsWithItsMilliseconds) {
  const std::string time = time_of_day();
  ASSERT_EQ(time.size(), 12U) << time;
  EXPECT_EQ((std::string{time[2], time[5], time[8]}), "::.");
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

TEST(JsonLine, HidesNothingFromATerminalAndMeansTheSame) {
  const std::string text = "a\x7f\u009b\u202e\u2066\U000e0041 Grüße";
  const std::string line = json_line(Value::object().set("message", text));
  for (const char* part : {"\\u007f", "\\u009b", "\\u202e", "\\u2066", "\\udb40\\udc41", "Grüße"}) {
    EXPECT_TRUE(line.contains(part)) << line;
  }
  const auto value = wire::read_json(line.substr(0, line.size() - 1));
  ASSERT_TRUE(value) << value.error().what();
  EXPECT_EQ((*value)["message"].as_string(), text);
}

}  // namespace
}  // namespace baton::cli
