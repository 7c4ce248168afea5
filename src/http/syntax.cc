#include "http/syntax.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace baton::http {
namespace {

enum Kind : std::uint8_t { token = 1, value = 2, host = 4, hex = 8, visible = 16 };

constexpr std::array<std::uint8_t, 256> make_kinds() {
  std::array<std::uint8_t, 256> kinds{};
  const auto mark = [&](std::string_view characters, Kind kind) {
    for (const char c : characters) kinds[static_cast<unsigned char>(c)] |= kind;
  };
  for (int c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (digit || letter) kinds[c] |= token | host;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) kinds[c] |= hex;
    if (c > ' ' && c < 0x7f) kinds[c] |= visible;
    if (c == '\t' || (c >= ' ' && c != 0x7f)) kinds[c] |= value;
  }
  mark("!#$%&'*+-.^_`|~", token);
  mark("-._~%!$&'()*+;=", host);
  return kinds;
}
constexpr auto kinds = make_kinds();

bool is(char c, Kind kind) { return (kinds[static_cast<unsigned char>(c)] & kind) != 0; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_token_char(char c) noexcept { return is(c, token); }

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return is(c, value); });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_host(std::string_view text) noexcept {
  if (text.empty()) return false;
  std::size_t end = 0;
  if (text.front() == '[') {
    end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const auto literal = text.substr(1, end - 1);
    if (!std::ranges::all_of(literal, [](char c) { return is(c, hex) || c == ':' || c == '.'; }))
      return false;
    ++end;
  } else {
    while (end < text.size() && is(text[end], host)) ++end;
    if (end == 0) return false;
  }
  return end == text.size() || (text[end] == ':' && is_port(text.substr(end + 1)));
}

bool is_target(std::string_view method, std::string_view target) noexcept {
  if (target.empty() || !std::ranges::all_of(target, [](char c) { return is(c, visible); })) return false;
  if (method == "CONNECT") {
    return is_host(target) && target.back() != ':' && target.find(':') != target.npos && target.back() != ']';
  }
  if (target.front() == '/') return true;
  if (target.front() == '*') return target.size() == 1 && method == "OPTIONS";
  const auto colon = target.find("://");
  if (colon == target.npos || colon == 0) return false;
  const auto scheme = target.substr(0, colon);
  if (!std::ranges::all_of(scheme, [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; })) return false;
  const auto rest = target.substr(colon + 3);
  return is_host(rest.substr(0, rest.find_first_of("/?")));
}

}  // namespace baton::http
