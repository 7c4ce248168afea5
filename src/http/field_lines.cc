#include "http/field_lines.h"

#include <array>
#include <charconv>
#include <stdexcept>

#include "http/syntax.h"

namespace baton::http {
namespace {

bool is_named(std::string_view lines, std::size_t at, std::string_view name) {
  return equal_ignoring_case(lines.substr(at, lines.find(':', at) - at), name);
}

}  // namespace

void check_field(std::string_view name, std::string_view value) {
  if (!is_token(name)) throw std::invalid_argument("not a header's name: " + std::string(name));
  if (!is_field_value(value)) {
    throw std::invalid_argument("a control character in the header " + std::string(name));
  }
}

void append_field(std::string& lines, std::string_view name, std::string_view value) {
  lines += name;
  lines += ": ";
  lines += value;
  lines += "\r\n";
}

void remove_field(std::string& lines, std::string_view name) {
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t next = lines.find('\n', at) + 1;
    if (is_named(lines, at, name)) {
      lines.erase(at, next - at);
    } else {
      at = next;
    }
  }
}

bool has_field(std::string_view lines, std::string_view name) noexcept {
  for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
    if (is_named(lines, at, name)) return true;
  }
  return false;
}

void append_number(std::string& out, std::uint64_t number, int base) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(digits.data(), end);
}

}  // namespace baton::http
