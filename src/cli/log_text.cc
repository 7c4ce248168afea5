#include "cli/log_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/utf8.h"
#include "baton/wire/json.h"

namespace baton::cli {
namespace {

void append_json_escape(std::string& out, unsigned code) {
  if (code < 0x10000) return append_escape(out, code);
  append_escape(out, 0xd800U + ((code - 0x10000) >> 10U));
  append_escape(out, 0xdc00U + (code & 0x3ffU));
}

// The same JSON, in which nothing hidden stands as itself. What is beyond ASCII stands in strings only.
std::string without_hidden(const std::string& json) {
  if (std::ranges::all_of(json, [](char c) { return static_cast<unsigned char>(c) < 0x7f; })) return json;
  std::string out;
  out.reserve(json.size() + 64);
  for (std::string_view rest = json; !rest.empty();) {
    const Utf8Unit unit(rest);
    const std::string_view bytes = rest.substr(0, unit.size());
    const unsigned code = bytes.size() == 1 ? byte_at(bytes, 0) : code_of(bytes);
    if (code == 0x7f || is_hidden(code)) {
      append_json_escape(out, code);
    } else {
      out.append(bytes);
    }
    rest.remove_prefix(unit.size());
  }
  return out;
}

// The time as `format` has it, with its milliseconds behind.
std::string now(const char* format, std::tm* (*take_apart)(const std::time_t*, std::tm*)) {
  const auto time = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const auto part =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm parts{};
  take_apart(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), format, &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03d", static_cast<int>(part));
  return text.data();
}

// Whether one of these numbers, in between ';', hides what follows; those behind 38, 48 and 58 are a colour.
bool conceals(std::string_view numbers) {
  unsigned of_colour = 0;
  bool kind_is_next = false;
  while (!numbers.empty()) {
    const std::size_t size = std::min(numbers.find(';'), numbers.size());
    std::string_view number = numbers.substr(0, size);
    numbers.remove_prefix(std::min(size + 1, numbers.size()));
    while (number.size() > 1 && number[0] == '0') number.remove_prefix(1);
    if (std::exchange(kind_is_next, false)) {
      if (number != "2" && number != "5") return true;  // terminals differ on what follows
      of_colour = number == "2" ? 3 : 1;
    } else if (of_colour > 0) {
      --of_colour;
    } else if (number == "8" || number.starts_with("8:")) {
      return true;
    } else {
      kind_is_next = number == "38" || number == "48" || number == "58";
    }
  }
  return false;
}

// How much of the text, which begins with ESC, is a sequence that chooses colours; 0: it is another one.
std::size_t size_of_colour(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find_first_not_of("0123456789;:", 2);
  if (end == text.npos || text[end] != 'm' || conceals(text.substr(2, end - 2))) return 0;
  return end + 1;
}

}  // namespace

std::string time_of_day() { return now("%H:%M:%S", ::localtime_r); }

void append_coloured(std::string& out, std::string_view text) {
  bool coloured = false;
  while (!text.empty()) {
    const std::size_t size = size_of_colour(text);
    coloured = coloured || size > 0;
    out.append(text.substr(0, size));
    text.remove_prefix(size);
    if (size > 0) continue;
    const std::size_t next = text.find('\x1b', 1);
    append_visible(out, text.substr(0, next));
    text.remove_prefix(std::min(next, text.size()));
  }
  if (coloured) out.append("\x1b[0m");
}

std::string json_line(Value object) {
  object.set("time", now("%Y-%m-%dT%H:%M:%S", ::gmtime_r) + "Z");
  return without_hidden(to_json(object)) + "\n";
}

}  // namespace baton::cli
