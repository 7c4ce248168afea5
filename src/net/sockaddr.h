#pragma once

#include <sys/socket.h>

#include "baton/net/endpoint.h"

namespace baton::net {

/// An Endpoint in the kernel's form; or none, of length 0.
class SocketAddress {
 public:
  SocketAddress() = default;
  explicit SocketAddress(const Endpoint& endpoint);
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t length() const noexcept { return length_; }
  [[nodiscard]] int domain() const noexcept { return storage_.ss_family; }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

[[nodiscard]] Endpoint local_endpoint(int descriptor);
[[nodiscard]] Endpoint remote_endpoint(int descriptor);

}  // namespace baton::net
