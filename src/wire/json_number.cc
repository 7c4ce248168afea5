#include "wire/json_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
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

// Number::toString of ECMAScript: the shortest digits that read back the same, `point` places before the
// point.
void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (number == 0) {
    out += '0';
    return;
  }
  char text[40];
  char* end = std::to_chars(text, text + sizeof text, std::fabs(number), std::chars_format::scientific).ptr;
  std::string_view scientific(text, static_cast<std::size_t>(end - text));
  std::size_t e = scientific.find('e');
  int exponent = 0;
  std::from_chars(text + e + (text[e + 1] == '+' ? 2 : 1), end, exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += scientific.substr(2, e - 2);
  int count = static_cast<int>(digits.size());
  int point = exponent + 1;

  if (number < 0) out += '-';
  if (point >= count && point <= 21) {
    out.append(digits).append(static_cast<std::size_t>(point - count), '0');
  } else if (point > 0 && point <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(point)).append(1, '.');
    out.append(digits, static_cast<std::size_t>(point));
  } else if (point > -6 && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else {
    out += digits[0];
    if (count > 1) out.append(1, '.').append(digits, 1);
    out += exponent < 0 ? "e-" : "e+";
    append_integer(out, std::abs(exponent));
  }
}

}  // namespace baton::wire
