#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace baton::wire {

/// Texts of a Value (UTF-8, with lone surrogates as WTF-8 has them) in the two forms that V8 writes. Bytes of
/// a text that are no UTF-8 count as U+FFFD, and two halves of a pair that met as their character.

/// Whether every character is at most U+00FF.
[[nodiscard]] bool fits_latin1(std::string_view text) noexcept;
/// Appends such a text, a byte a character.
void append_latin1(std::string& out, std::string_view text);
/// How many units of UTF-16 a text has.
[[nodiscard]] std::size_t utf16_length(std::string_view text) noexcept;
/// Appends them, little-endian.
void append_utf16(std::string& out, std::string_view text);

/// The text that these bytes are.
[[nodiscard]] std::string from_latin1(std::string_view bytes);
/// The same of little-endian UTF-16; an odd byte at the end is left out.
[[nodiscard]] std::string from_utf16(std::string_view bytes);
/// The same of UTF-8 as Node decodes it: what is none becomes U+FFFD.
[[nodiscard]] std::string from_utf8(std::string_view bytes);

}  // namespace baton::wire
