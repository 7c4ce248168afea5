#include "wire/json_repair.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace baton::wire {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The surrogate whose escape (\ud800 to \udfff) the text begins with, else 0.
unsigned escaped_surrogate(std::string_view text) noexcept {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return 0;
  unsigned code = 0;
  const char* end = text.data() + 6;
  if (std::from_chars(text.data() + 2, end, code, 16).ptr != end) return 0;
  return code >= 0xd800 && code <= 0xdfff ? code : 0;
}

bool has_escaped_surrogate(std::string_view text) noexcept {
  for (std::size_t i = text.find('\\'); i != std::string_view::npos; i = text.find('\\', i + 2)) {
    if (escaped_surrogate(text.substr(i))) return true;
  }
  return false;
}

// Takes the escape at the beginning; returns its length. One that is wrong goes through, for the parser to
// refuse.
std::size_t repair_escape(std::string_view text, std::string& out) {
  if (unsigned first = escaped_surrogate(text)) {
    unsigned second = first < 0xdc00 ? escaped_surrogate(text.substr(6)) : 0;
    if (second < 0xdc00) {
      append_utf8(out, first);
      return 6;
    }
    append_utf8(out, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
    return 12;
  }
  bool two = text.size() > 1 && static_cast<unsigned char>(text[1]) < 0x80;
  out.append(text.substr(0, two ? 2 : 1));
  return two ? 2 : 1;
}

}  // namespace

bool needs_repair(std::string_view text) noexcept { return !is_utf8(text) || has_escaped_surrogate(text); }

std::size_t repair(std::string_view text, std::string& out, std::size_t stop) {
  std::size_t used = 0;
  while (used < text.size()) {
    std::string_view rest = text.substr(used);
    std::size_t size = 0;
    if (rest[0] == '\\') {
      size = repair_escape(rest, out);
    } else {
      Utf8Unit unit(rest);
      out += unit.valid() ? rest.substr(0, unit.size()) : replacement;
      size = unit.size();
    }
    if (out.size() > stop) break;
    used += size;
  }
  return used;
}

std::string tame_exponents(std::string_view text) {
  constexpr std::string_view huge = "1000000000";
  std::string out(text);
  bool in_string = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '"') in_string = !in_string;
    if (in_string && out[i] == '\\') ++i;
    if (in_string || (out[i] != 'e' && out[i] != 'E')) continue;
    std::size_t begin = i + 1;
    if (begin < out.size() && (out[begin] == '+' || out[begin] == '-')) ++begin;
    std::size_t end = begin;
    while (end < out.size() && is_digit(out[end])) ++end;
    std::size_t first = begin;
    while (first < end && out[first] == '0') ++first;
    if (end - first >= huge.size()) {
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(first),
                out.begin() + static_cast<std::ptrdiff_t>(end), '0');
      out.replace(end - huge.size(), huge.size(), huge);
    }
    i = end - 1;
  }
  return out;
}

}  // namespace baton::wire
