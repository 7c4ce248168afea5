#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::wire {

/// The flags of a RegExp in V8's order of bits; V8's own one for linear time (64) is no letter of JavaScript.
inline constexpr std::string_view regexp_flag_bits = "gimyus?dv";

/// The letters as bits; nothing if one is unknown or comes twice, or u and v stand together.
inline std::optional<std::uint32_t> regexp_bits(std::string_view letters) noexcept {
  std::uint32_t bits = 0;
  for (const char letter : letters) {
    const std::size_t place = letter == '?' ? std::string_view::npos : regexp_flag_bits.find(letter);
    if (place == std::string_view::npos || (bits >> place & 1U) != 0) return std::nullopt;
    bits |= 1U << place;
  }
  if (letters.contains('u') && letters.contains('v')) return std::nullopt;
  return bits;
}

/// The letters in JavaScript's order, the alphabet's.
inline std::string regexp_letters(std::uint32_t bits) {
  std::string letters;
  for (const char letter : std::string_view("dgimsuvy")) {
    if ((bits >> regexp_flag_bits.find(letter) & 1U) != 0) letters += letter;
  }
  return letters;
}

}  // namespace baton::wire
