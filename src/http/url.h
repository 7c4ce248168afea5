#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "baton/base/error.h"

namespace baton::http {

// What a client needs of an http URL. (Boost has a library for URLs, but since 1.84 not by its headers
// alone.)
class Url {
 public:
  // Fails with std::errc::invalid_argument, and the reason as the step of `operation`.
  [[nodiscard]] static Result<Url> parse(std::string_view text, std::string_view operation);

  // In small letters, and without the brackets of an IPv6 address.
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // As a Host field has it: without the port if that is 80.
  [[nodiscard]] std::string authority() const;
  // "/path?query".
  [[nodiscard]] const std::string& target() const noexcept { return target_; }

 private:
  std::string host_;
  std::string target_;
  std::uint16_t port_ = 80;
};

// A URL for people: without the user that may stand in it, on one line, and not too long.
[[nodiscard]] std::string shown(std::string_view url);

}  // namespace baton::http
