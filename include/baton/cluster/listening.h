#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "baton/net/endpoint.h"

namespace baton::cluster {

/// Where workers listen; mirrors the address of Node's 'listening' event.
class Listening {
 public:
  /// Node's `addressType`.
  enum class Type : int8_t { ipv4 = 4, ipv6 = 6, unix_path = -1, udp4 = 40, udp6 = 60 };

  Listening() = default;
  /// As Node's primary tells it; no address for every address of the machine, -1 for no descriptor.
  Listening(Type type, std::optional<std::string> address, uint16_t port, int descriptor = -1)
      : type_(type), port_(port), descriptor_(descriptor), address_(std::move(address)) {}

  /// TCP over IPv4 or IPv6, a path, or UDP over either.
  [[nodiscard]] Type type() const noexcept { return type_; }
  /// The IP address or the path; nothing if only a port was asked for: every address of the machine.
  [[nodiscard]] const std::optional<std::string>& address() const noexcept { return address_; }
  /// 0 for a path.
  [[nodiscard]] uint16_t port() const noexcept { return port_; }
  /// The descriptor of the primary that was asked for in place of an address; else -1.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Whether it is UDP.
  [[nodiscard]] bool udp() const noexcept { return type_ == Type::udp4 || type_ == Type::udp6; }
  /// "127.0.0.1:80", "[::1]:80", "*:80" (only a port was asked for), "unix:/run/app.sock", with " (udp)"
  /// behind, or "descriptor 3".
  [[nodiscard]] std::string to_string() const;

 private:
  Type type_ = Type::ipv4;
  uint16_t port_ = 0;
  int descriptor_ = -1;
  std::optional<std::string> address_;
};

}  // namespace baton::cluster
