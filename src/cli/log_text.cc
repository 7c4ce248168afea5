#include "cli/log_text.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "baton/wire/json.h"
#include "wire/utf8.h"

namespace baton::cli {
namespace {

void append_hex(std::string& out, const char* format, unsigned number) {
  std::array<char, 8> text{};
  out.append(text.data(), static_cast<std::size_t>(std::snprintf(text.data(), text.size(), format, number)));
}

unsigned char byte(char c) { return static_cast<unsigned char>(c); }

bool plain(char c) { return (byte(c) >= 0x20 && byte(c) < 0x7f) || c == '\t'; }

std::string now() {
  const auto time = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const auto part =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(part));
  return text.data();
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t simple = 0;
    while (simple < text.size() && plain(text[simple])) ++simple;
    out.append(text.substr(0, simple));
    text.remove_prefix(simple);
    if (text.empty()) break;
    const wire::Utf8Unit unit(text);
    if (!unit.valid() || unit.size() == 1) {
      for (const char c : text.substr(0, unit.size())) append_hex(out, "\\x%02x", byte(c));
    } else if (byte(text[0]) == 0xc2 && byte(text[1]) < 0xa0) {
      append_hex(out, "\\u%04x", byte(text[1]));
    } else {
      out.append(text.substr(0, unit.size()));
    }
    text.remove_prefix(unit.size());
  }
  return out;
}

std::string json_line(Value object) {
  object.set("time", now());
  return to_json(object) + "\n";
}

}  // namespace baton::cli
