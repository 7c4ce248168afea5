#pragma once

#include <string>
#include <string_view>

#include "baton/net/endpoint.h"
#include "cli/units.h"

namespace baton::cli {

// "127.0.0.1:80", "[::1]:80", "localhost:80" (names are looked up now), ":80" and "80" (every address, IPv6
// too where the machine has it), "unix:/path".
[[nodiscard]] Parsed<net::Endpoint> parse_address(std::string_view text);

// An address with a name before it, "http=:80"; without one it is "unknown", as systemd has it.
class NamedAddress {
 public:
  NamedAddress(std::string name, net::Endpoint endpoint)
      : name_(std::move(name)), endpoint_(std::move(endpoint)) {}
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const net::Endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  std::string name_;
  net::Endpoint endpoint_;
};
[[nodiscard]] Parsed<NamedAddress> parse_named_address(std::string_view text);

}  // namespace baton::cli
