#include "wire/bigint.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <vector>

namespace baton::wire {
namespace {

// So many decimal digits fit into a limb's range, one step of the arithmetic.
constexpr std::size_t digits_a_step = 9;
constexpr std::uint32_t limb_range = 1000000000;

std::vector<std::uint32_t> limbs_of(std::string_view magnitude) {
  std::vector<std::uint32_t> limbs((magnitude.size() + 3) / 4);
  for (std::size_t i = 0; i < magnitude.size(); ++i) {
    limbs[i / 4] |= std::uint32_t{static_cast<unsigned char>(magnitude[i])} << (8 * (i % 4));
  }
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  return limbs;
}

std::string bytes_of(const std::vector<std::uint32_t>& limbs) {
  std::string bytes;
  for (const std::uint32_t limb : limbs) {
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(limb >> shift & 0xff);
  }
  return bytes;
}

std::optional<std::string> read_hexadecimal(std::string_view digits) {
  std::string bytes;
  while (!digits.empty()) {
    const std::string_view pair = digits.substr(digits.size() - std::min<std::size_t>(2, digits.size()));
    unsigned byte = 0;
    const auto read = std::from_chars(pair.data(), pair.data() + pair.size(), byte, 16);
    if (read.ec != std::errc() || read.ptr != pair.data() + pair.size()) return std::nullopt;
    bytes += static_cast<char>(byte);
    digits.remove_suffix(pair.size());
  }
  return bytes;
}

std::optional<std::string> read_decimal(std::string_view digits) {
  if (digits.size() > longest_decimal * 5 / 2) return std::nullopt;
  std::vector<std::uint32_t> limbs;
  while (!digits.empty()) {
    const std::size_t length = (digits.size() - 1) % digits_a_step + 1;
    std::uint32_t carry = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + length, carry);
    if (read.ec != std::errc() || read.ptr != digits.data() + length) return std::nullopt;
    digits.remove_prefix(length);
    for (std::uint32_t& limb : limbs) {
      const std::uint64_t product = std::uint64_t{limb} * limb_range + carry;
      limb = static_cast<std::uint32_t>(product);
      carry = static_cast<std::uint32_t>(product >> 32);
    }
    if (carry != 0) limbs.push_back(carry);
  }
  return bytes_of(limbs);
}

std::string hexadecimal(std::string_view magnitude) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto byte = magnitude.rbegin(); byte != magnitude.rend(); ++byte) {
    const auto number = static_cast<unsigned char>(*byte);
    text += {digits[number >> 4], digits[number & 15]};
  }
  return "0x" + text.substr(std::min(text.find_first_not_of('0'), text.size()));
}

std::string decimal(std::string_view magnitude) {
  std::vector<std::uint32_t> limbs = limbs_of(magnitude);
  std::string reversed;
  while (!limbs.empty()) {
    std::uint64_t rest = 0;
    for (auto limb = limbs.rbegin(); limb != limbs.rend(); ++limb) {
      rest = rest << 32 | *limb;
      *limb = static_cast<std::uint32_t>(rest / limb_range);
      rest %= limb_range;
    }
    if (limbs.back() == 0) limbs.pop_back();
    for (std::size_t i = 0; i < digits_a_step && (rest != 0 || !limbs.empty()); ++i, rest /= 10) {
      reversed += static_cast<char>('0' + rest % 10);
    }
  }
  return {reversed.rbegin(), reversed.rend()};
}

}  // namespace

std::optional<BigintParts> read_bigint(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  // No sign within, which from_chars does not take for unsigned numbers either.
  if (text.empty()) return std::nullopt;
  auto magnitude = hex ? read_hexadecimal(text) : read_decimal(text);
  if (!magnitude) return std::nullopt;
  return BigintParts(negative, std::move(*magnitude));
}

std::string write_bigint(bool negative, std::string_view magnitude) {
  if (magnitude.empty()) return "0";
  const std::string text = magnitude.size() > longest_decimal ? hexadecimal(magnitude) : decimal(magnitude);
  return negative ? "-" + text : text;
}

}  // namespace baton::wire
