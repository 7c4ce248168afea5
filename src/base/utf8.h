#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace baton {

/// A byte as a number that is not negative.
[[nodiscard]] inline unsigned byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

/// How many bytes from the beginning are ASCII.
[[nodiscard]] std::size_t ascii_prefix(std::string_view text) noexcept;

/// Whether a text decodes as it stands: UTF-8 without surrogates, over-long forms, or code points over
/// U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// What stands at the beginning of a text (which is not empty): a character, or bytes that are none.
class Utf8Unit {
 public:
  explicit Utf8Unit(std::string_view text) noexcept;
  /// How many bytes it takes; of bytes that are no character, as many as one U+FFFD stands for (WHATWG's
  /// "maximal subpart": one byte, or as many as were a good beginning).
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool valid() const noexcept { return valid_; }

 private:
  std::size_t size_ = 1;
  bool valid_ = false;
};

/// The code point of a character of several bytes.
[[nodiscard]] unsigned code_of(std::string_view character) noexcept;

/// The surrogate (0xd800 to 0xdfff) whose three bytes a text begins with, as WTF-8 writes it; 0 if it begins
/// otherwise.
[[nodiscard]] unsigned surrogate_at(std::string_view text) noexcept;

/// Appends a code point, or a surrogate in WTF-8's way.
void append_utf8(std::string& out, unsigned code);

inline constexpr std::string_view replacement = "\xef\xbf\xbd";

}  // namespace baton
