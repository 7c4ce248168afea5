#include "http/url.h"

#include <charconv>
#include <system_error>

#include "base/excerpt.h"
#include "http/syntax.h"

namespace baton::http {
namespace {

constexpr std::string_view scheme = "http://";

// 0: none that a host could have.
std::uint16_t port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() ? port : 0;
}

}  // namespace

std::string shown(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == url.npos ? 0 : scheme + 3;
  const std::size_t user = url.substr(0, url.find_first_of("/?#", begin)).rfind('@');
  std::string text(url);
  if (user != url.npos && user > begin) text.replace(begin, user - begin, "...");
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return excerpt(text);
}

Result<Url> Url::parse(std::string_view text, std::string_view operation) {
  const auto refused = [operation](std::string_view reason) {
    return std::unexpected(Error(std::make_error_code(std::errc::invalid_argument), operation, reason));
  };
  if (equal_ignoring_case(text.substr(0, 8), "https://")) {
    return refused("https is not spoken here; put a proxy in front");
  }
  if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme)) {
    return refused("a URL begins with http://");
  }
  text.remove_prefix(scheme.size());
  text = text.substr(0, text.find('#'));
  const std::string_view authority = text.substr(0, text.find_first_of("/?"));
  if (authority.find('@') != authority.npos) return refused("a user in a URL; use the header Authorization");
  if (!is_host(authority)) return refused("its host is none");

  Url url;
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  url.host_ =
      to_lower(bracket == authority.npos ? authority.substr(0, colon) : authority.substr(1, bracket - 1));
  if (url.host_.empty() || url.host_.size() > 253) return refused("its host is none");
  if (colon != authority.npos && colon + 1 < authority.size()) {
    url.port_ = port_of(authority.substr(colon + 1));
    if (url.port_ == 0) return refused("its port is none");
  }
  const std::string_view target = text.substr(authority.size());
  if (!target.starts_with('/')) url.target_ = "/";
  url.target_ += target;
  if (!is_target("GET", url.target_)) {
    return refused("its path has a character that must be percent-encoded");
  }
  return url;
}

std::string Url::authority() const {
  std::string text = host_.find(':') == host_.npos ? host_ : "[" + host_ + "]";
  if (port_ != 80) text += ":" + std::to_string(port_);
  return text;
}

}  // namespace baton::http
