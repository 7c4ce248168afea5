#include "wire/json_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace baton::wire {
namespace {

// Whether the number is at least one: all that is asked of one outside the range of doubles, and
// std::from_chars does not say at which end. `text` has no sign.
bool is_large(std::string_view text) noexcept {
  std::size_t e = text.find_first_of("eE");
  std::string_view mantissa = text.substr(0, e);
  long long exponent = 0;
  if (e != std::string_view::npos) {
    std::size_t begin = e + (text[e + 1] == '+' ? 2 : 1);
    std::from_chars(text.data() + begin, text.data() + text.size(), exponent);
  }
  auto point = static_cast<long long>(std::min(mantissa.find('.'), mantissa.size()));
  auto first = static_cast<long long>(mantissa.find_first_of("123456789"));
  return exponent + (first < point ? point - first - 1 : point - first) >= 0;
}

}  // namespace

double read_number(std::string_view text) noexcept {
  double number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc()) return number;
  bool negative = text[0] == '-';
  double magnitude = is_large(text.substr(negative)) ? std::numeric_limits<double>::infinity() : 0;
  return negative ? -magnitude : magnitude;
}

}  // namespace baton::wire
