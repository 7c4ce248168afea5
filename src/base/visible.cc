#include "base/visible.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/utf8.h"

namespace baton {
namespace {

// Programs write megabytes of zeros, too.
void append_hex(std::string& out, std::string_view before, unsigned char number) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.append(before);
  out += digits[number >> 4];
  out += digits[number & 15];
}

unsigned char byte(char c) { return static_cast<unsigned char>(c); }

bool plain(char c) { return (byte(c) >= 0x20 && byte(c) < 0x7f) || c == '\t'; }

// Ranges of code points beyond ASCII that draw nothing themselves: they steer a terminal (C1), turn the order
// of its text around, break its line, or are not to be seen at all (Unicode's Default_Ignorable_Code_Point,
// but for U+FE0F, which makes an emoji of the character before it).
constexpr std::pair<unsigned, unsigned> hidden_ranges[] = {
    {0x80, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},    {0x61c, 0x61c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},  {0x2028, 0x202e}, {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfe00, 0xfe0e},   {0xfeff, 0xfeff},  {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};

}  // namespace

bool is_hidden(unsigned code) {
  return std::ranges::any_of(hidden_ranges,
                             [code](auto range) { return range.first <= code && code <= range.second; });
}

// Of a character that is seldom.
void append_escape(std::string& out, unsigned code) {
  std::array<char, 12> text{};
  const char* format = code < 0x10000 ? "\\u%04x" : "\\U%08x";
  out.append(text.data(), static_cast<std::size_t>(std::snprintf(text.data(), text.size(), format, code)));
}

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

void append_visible(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size());
  while (!text.empty()) {
    std::size_t simple = 0;
    while (simple < text.size() && plain(text[simple])) ++simple;
    out.append(text.substr(0, simple));
    text.remove_prefix(simple);
    if (text.empty()) break;
    const Utf8Unit unit(text);
    if (!unit.valid() || unit.size() == 1) {
      for (const char c : text.substr(0, unit.size())) append_hex(out, "\\x", byte(c));
    } else if (const unsigned code = code_of(text.substr(0, unit.size())); is_hidden(code)) {
      append_escape(out, code);
    } else {
      out.append(text.substr(0, unit.size()));
    }
    text.remove_prefix(unit.size());
  }
}

}  // namespace baton
