#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  /// "127.0.0.1:80", "[::1]:80", "*:80" (only a port was asked for), "unix:/run/app.sock", "unix:@app"
  /// (abstract), with " (udp)" behind, or "descriptor 3".
  [[nodiscard]] std::string to_string() const;

 private:
  Type type_ = Type::ipv4;
  uint16_t port_ = 0;
  int descriptor_ = -1;
  std::optional<std::string> address_;
};

/// What became of a listener that nobody could connect to any more: a process which shares it had shut it
/// down (shutdown(2)), or somebody had removed the file of a Unix-domain socket.
enum class ShutDown {
  listens_again,  ///< it listens again
  opened_anew,    ///< a Unix-domain socket: a new one stands in its place, for workers that ask from now on
  lost,  ///< it stays so: it was inherited, could not be opened anew, or is of UDP (which then receives only)
  file_made_anew,    ///< its file was removed and made anew, and all workers get connections again
  file_opened_anew,  ///< the same where workers accept by themselves: it is a new socket, for who asks from
                     ///< now on
  file_taken,        ///< the same, removed by a worker that now has the new one itself
  file_lost,         ///< its file was removed, and cannot be made anew yet: it is tried every 2 s
};
/// "was shut down by who shares it and listens again", and so on.
[[nodiscard]] std::string_view describe(ShutDown how) noexcept;

}  // namespace baton::cluster
