#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace baton::wire {

/// A BigInt taken apart: its sign, and its magnitude with the least significant byte first.
class BigintParts {
 public:
  BigintParts(bool negative, std::string magnitude) : magnitude_(std::move(magnitude)), negative_(negative) {}
  [[nodiscard]] bool negative() const noexcept { return negative_; }
  [[nodiscard]] std::string take_magnitude() && { return std::move(magnitude_); }

 private:
  std::string magnitude_;
  bool negative_;
};

/// The magnitude up to which a BigInt is written in decimal: what takes time as the square of its length.
inline constexpr std::size_t longest_decimal = std::size_t{64} << 10;

/// "5", "-5", or with 0x in hexadecimal, as long as `longest_decimal` allows; nothing for another text.
[[nodiscard]] std::optional<BigintParts> read_bigint(std::string_view text);
/// In decimal; in hexadecimal ("-0xff") beyond `longest_decimal`.
[[nodiscard]] std::string write_bigint(bool negative, std::string_view magnitude);

}  // namespace baton::wire
