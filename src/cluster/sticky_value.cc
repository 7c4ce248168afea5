#include "cluster/sticky_value.h"

#include <algorithm>

namespace baton::cluster {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A method begins with a letter; TLS, a proxy's binary preface and what else there may be do not.
bool may_be_http(char first) { return lower(first) >= 'a' && lower(first) <= 'z'; }

}  // namespace

StickyValue::Outcome StickyValue::look(std::string_view head) {
  if (!begun_) {
    // Servers pass over empty lines before the first request, and so do we.
    line_ = searched_ = std::min(head.find_first_not_of("\r\n", searched_), head.size());
    if (line_ == head.size()) return Outcome::more;
    if (!may_be_http(head[line_])) return Outcome::none;
    begun_ = true;
  }
  while (true) {
    const auto end = head.find('\n', searched_);
    if (end == std::string_view::npos) {
      searched_ = head.size();
      return Outcome::more;
    }
    std::string_view line = head.substr(line_, end - line_);
    line_ = searched_ = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return Outcome::none;
    if (!request_line_) value_ = in_line(line);
    if (!value_.empty()) return Outcome::found;
    request_line_ = false;
  }
}

std::string_view StickyValue::in_line(std::string_view line) const {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (by_ == Policy::Sticky::cookie)
    return same_name(name, "cookie") ? in_cookies(value) : std::string_view();
  return same_name(name, name_) ? value : std::string_view();
}

std::string_view StickyValue::in_cookies(std::string_view cookies) const {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    const std::string_view cookie = trimmed(cookies.substr(0, end));
    const auto equals = cookie.find('=');
    if (equals != std::string_view::npos && trimmed(cookie.substr(0, equals)) == name_) {
      return trimmed(cookie.substr(equals + 1));
    }
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

}  // namespace baton::cluster
