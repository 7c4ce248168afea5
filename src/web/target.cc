#include "baton/web/target.h"

#include <algorithm>

namespace baton::web {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  const std::size_t at = hex_digits.find(c);
  return at == hex_digits.npos ? -1 : static_cast<int>(at);
}

// The byte that the % at `at` encodes, or -1.
int byte_at(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool stays(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-_.!~*'()").contains(c);
}

std::string query_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? byte_at(text, i) : -1;
    out += byte >= 0 ? static_cast<char>(byte) : text[i] == '+' ? ' ' : text[i];
    if (byte >= 0) i += 2;
  }
  return out;
}

}  // namespace

std::string_view path_of(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.starts_with('/')) return target;
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos) return target;
  const std::size_t path = target.find('/', scheme + 3);
  return path == target.npos ? "/" : target.substr(path);
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int byte = byte_at(text, i);
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (stays(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += hex_digits[byte / 16];
    out += hex_digits[byte % 16];
  }
  return out;
}

Query::Query(std::string_view target) {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  if (mark == target.npos) return;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    parameters_.emplace_back(query_decode(one.substr(0, equals)),
                             query_decode(one.substr(std::min(equals + 1, one.size()))));
  }
}

std::optional<std::string_view> Query::find(std::string_view name) const noexcept {
  const auto found =
      std::ranges::find(parameters_, name, [](const auto& one) -> const std::string& { return one.first; });
  if (found == parameters_.end()) return std::nullopt;
  return found->second;
}

}  // namespace baton::web
