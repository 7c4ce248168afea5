#include "baton/cluster/listen_rule.h"

#include <arpa/inet.h>
#include <fnmatch.h>

#include <charconv>
#include <filesystem>
#include <stdexcept>

namespace baton::cluster {
namespace {

constexpr std::string_view unix_prefix = "unix:";

std::invalid_argument no_rule(std::string_view text) {
  return std::invalid_argument(
      "'" + std::string(text) +
      "' is none of 8080, 8000-8999, 127.0.0.1:8080, [::1]:*, *:8000-8999 and /path/*");
}

// Of the ways to write an address the kernel's; nothing if it is none.
std::optional<std::string> spelled(std::string_view address) {
  const size_t percent = address.find('%');
  const std::string digits(address.substr(0, percent));
  const std::string zone(percent == std::string_view::npos ? "" : address.substr(percent));
  in6_addr binary{};
  char text[INET6_ADDRSTRLEN] = "";
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, digits.c_str(), &binary) == 1)
      return ::inet_ntop(family, &binary, text, sizeof text) + zone;
  }
  return std::nullopt;
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(port) : std::nullopt;
}

}  // namespace

ListenRule::ListenRule(std::string_view text) : text_(text) {
  if (text.starts_with(unix_prefix)) text.remove_prefix(unix_prefix.size());
  if (text.starts_with('/')) {
    path_ = text;
    return;
  }
  if (text.size() != text_.size()) throw std::invalid_argument("'" + text_ + "': a path begins with /");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    take_ports(text);
    return;
  }
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (brackets) host = host.substr(1, host.size() - 2);
  if (host != "*") {
    address_ = spelled(host);
    if (!address_ || brackets != address_->contains(':')) throw no_rule(text_);
  }
  take_ports(text.substr(colon + 1));
}

void ListenRule::take_ports(std::string_view ports) {
  if (ports == "*") return;
  const size_t dash = ports.find('-');
  const auto first = port_of(ports.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : port_of(ports.substr(dash + 1));
  if (!first || !last || *first > *last) throw no_rule(text_);
  first_ = *first;
  last_ = *last;
}

bool ListenRule::allows(const Listening& where) const {
  if (where.descriptor() >= 0) return false;  // whoever may have it has inherited it himself
  if (where.type() == Listening::Type::unix_path) return allows_path(where.address().value_or(""));
  if (!path_.empty() || where.port() < first_ || where.port() > last_) return false;
  return !address_ || (where.address() && spelled(*where.address()) == address_);
}

bool ListenRule::allows_path(const std::string& path) const {
  if (path_.empty() || !path.starts_with('/') || path.contains('\0')) return false;
  // What the pattern sees is what the kernel goes through.
  if (std::filesystem::path(path).lexically_normal().string() != path) return false;
  return ::fnmatch(path_.c_str(), path.c_str(), FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

}  // namespace baton::cluster
