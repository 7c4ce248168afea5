#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "baton/base/error.h"

struct sockaddr;

namespace baton::net {

/// Where a socket listens or is connected: an IP address with a port, or the path of a Unix-domain socket.
class Endpoint {
 public:
  /// Nowhere; `to_string` says "(unknown)".
  Endpoint() = default;
  /// An IPv4 or IPv6 address in digits ("0.0.0.0", "::1", "fe80::1%eth0") and a port (0: the kernel chooses
  /// when listening). Throws std::invalid_argument for anything else: `net/name.h` looks names up.
  Endpoint(std::string_view address, uint16_t port);
  /// A Unix-domain socket: `path` of at most 107 bytes; a path that begins with a NUL byte is Linux's
  /// abstract name.
  [[nodiscard]] static Endpoint unix_path(std::string_view path);
  /// What the kernel says: of `length` bytes at `address`.
  [[nodiscard]] static Endpoint from_kernel(const sockaddr* address, uint32_t length);

  /// The IP address in digits; empty for a Unix-domain socket.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  /// The port; 0 for a Unix-domain socket.
  [[nodiscard]] uint16_t port() const noexcept { return port_; }
  /// The path; empty for an IP address and for an unnamed Unix-domain socket.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// 4 or 6; -1 for a Unix-domain socket (as Node's `addressType`).
  [[nodiscard]] int family() const noexcept { return family_; }
  /// "127.0.0.1:80", "[::1]:80" or "unix:/run/app.sock".
  [[nodiscard]] std::string to_string() const;

 private:
  std::string address_;
  std::string path_;
  uint16_t port_ = 0;
  int family_ = 0;
};

}  // namespace baton::net
