#include "wire/utf16.h"

#include "base/utf8.h"

namespace baton::wire {
namespace {

constexpr unsigned replacement_code = 0xfffd;

// Takes the first character off a text that is not empty; a lone surrogate is one too.
unsigned take_code(std::string_view& text) noexcept {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) {
    text.remove_prefix(1);
    return lead;
  }
  if (const unsigned surrogate = surrogate_at(text)) {
    text.remove_prefix(3);
    return surrogate;
  }
  const Utf8Unit unit(text);
  const std::string_view bytes = text.substr(0, unit.size());
  text.remove_prefix(bytes.size());
  if (!unit.valid()) return replacement_code;
  unsigned code = lead & (0x7fU >> bytes.size());
  for (std::size_t i = 1; i < bytes.size(); ++i) code = code << 6 | (byte_at(bytes, i) & 0x3fU);
  return code;
}

void append_unit(std::string& out, unsigned unit) {
  const char bytes[] = {static_cast<char>(unit & 0xff), static_cast<char>(unit >> 8)};
  out.append(bytes, sizeof bytes);
}

unsigned unit_at(std::string_view bytes, std::size_t i) noexcept {
  return byte_at(bytes, i) | byte_at(bytes, i + 1) << 8;
}

constexpr bool is_high(unsigned unit) noexcept { return unit >= 0xd800 && unit < 0xdc00; }
constexpr bool is_low(unsigned unit) noexcept { return unit >= 0xdc00 && unit < 0xe000; }

}  // namespace

bool fits_latin1(std::string_view text) noexcept {
  for (;;) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    if (take_code(text) > 0xff) return false;
  }
}

void append_latin1(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t plain = ascii_prefix(text);
    out.append(text, 0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    out += static_cast<char>(take_code(text));
  }
}

std::size_t utf16_length(std::string_view text) noexcept {
  std::size_t length = 0;
  while (!text.empty()) length += take_code(text) > 0xffff ? 2 : 1;
  return length;
}

void append_utf16(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const unsigned code = take_code(text);
    if (code > 0xffff) {
      append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
      append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      append_unit(out, code);
    }
  }
}

std::string from_latin1(std::string_view bytes) {
  const std::size_t plain = ascii_prefix(bytes);
  std::string text(bytes.substr(0, plain));
  for (std::size_t i = plain; i < bytes.size(); ++i) append_utf8(text, byte_at(bytes, i));
  return text;
}

std::string from_utf16(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    unsigned code = unit_at(bytes, i);
    if (is_high(code) && i + 3 < bytes.size() && is_low(unit_at(bytes, i + 2))) {
      i += 2;
      code = 0x10000 + ((code - 0xd800) << 10) + (unit_at(bytes, i) - 0xdc00);
    }
    append_utf8(text, code);
  }
  return text;
}

std::string from_utf8(std::string_view bytes) {
  if (is_utf8(bytes)) return std::string(bytes);
  std::string text;
  while (!bytes.empty()) {
    const Utf8Unit unit(bytes);
    text += unit.valid() ? bytes.substr(0, unit.size()) : replacement;
    bytes.remove_prefix(unit.size());
  }
  return text;
}

}  // namespace baton::wire
