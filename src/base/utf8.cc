#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace baton {

std::size_t ascii_prefix(std::string_view text) noexcept {
  constexpr std::uint64_t tops = 0x8080808080808080U;
  std::size_t i = 0;
  // Four words at once, which the compiler makes one or two wide ones of.
  for (std::uint64_t words[4]; i + sizeof words <= text.size(); i += sizeof words) {
    std::memcpy(words, text.data() + i, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & tops) != 0) break;
  }
  for (std::uint64_t word; i + sizeof word <= text.size(); i += sizeof word) {
    std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & tops) != 0) break;
  }
  while (i < text.size() && byte_at(text, i) < 0x80) ++i;
  return i;
}

Utf8Unit::Utf8Unit(std::string_view text) noexcept {
  unsigned lead = byte_at(text, 0);
  if (lead < 0x80) {
    valid_ = true;
    return;
  }
  if (lead < 0xc2 || lead > 0xf4) return;
  std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // Only the second byte's range depends on the first: it shuts out over-long forms, surrogates and over
  // U+10FFFF.
  unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  while (size_ < length) {
    if (size_ == text.size()) return;
    unsigned next = byte_at(text, size_);
    if (next < low || next > high) return;
    low = 0x80;
    high = 0xbf;
    ++size_;
  }
  valid_ = true;
}

bool is_utf8(std::string_view text) noexcept {
  for (;;) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    Utf8Unit unit(text);
    if (!unit.valid()) return false;
    text.remove_prefix(unit.size());
  }
}

unsigned code_of(std::string_view character) noexcept {
  unsigned code = byte_at(character, 0) & (0xffU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6U | (byte_at(character, i) & 0x3fU);
  return code;
}

unsigned surrogate_at(std::string_view text) noexcept {
  if (text.size() < 3 || byte_at(text, 0) != 0xed) return 0;
  unsigned second = byte_at(text, 1);
  unsigned third = byte_at(text, 2);
  if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) return 0;
  return 0xd000U | (second & 0x3fU) << 6 | (third & 0x3fU);
}

void append_utf8(std::string& out, unsigned code) {
  auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | (code >> shift & 0x3fU)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0U | code >> 6), tail(0)};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0U | code >> 12), tail(6), tail(0)};
  } else {
    out += {static_cast<char>(0xf0U | code >> 18), tail(12), tail(6), tail(0)};
  }
}

}  // namespace baton
