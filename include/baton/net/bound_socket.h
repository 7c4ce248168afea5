#pragma once

#include <utility>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/net/endpoint.h"
#include "baton/net/server.h"
#include "baton/net/socket.h"

namespace baton::net {

/// A TCP socket that has an address and nothing else yet: a port that is taken, on which nobody listens.
/// `listen` makes a server of it, `connect` a connection that comes from there. Mirrors `net.BoundSocket` of
/// Node 26. It owns its descriptor, and needs no loop.
class BoundSocket {
 public:
  /// No socket.
  BoundSocket() = default;
  /// Takes over a TCP socket that is bound and neither listens nor is connected; an error that says what it
  /// is for anything else.
  [[nodiscard]] static Result<BoundSocket> adopt(Fd descriptor);

  /// Whether there is one.
  explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }
  /// Its address, with the port that the kernel chose. Mirrors `bound.address()`.
  [[nodiscard]] Endpoint local() const;
  /// The descriptor, still owned here. Mirrors `bound.fd()`.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Gives the descriptor away.
  [[nodiscard]] Fd release() { return std::move(descriptor_); }

 private:
  explicit BoundSocket(Fd descriptor) : descriptor_(std::move(descriptor)) {}
  friend BoundSocket bind(const Endpoint& endpoint, const ListenOptions& options);

  Fd descriptor_;
};

/// Takes the address `endpoint` (port 0: one that is free) and does not listen; of the options `ipv6_only`
/// and `reuse_port` count. Throws Error: "bind 127.0.0.1:80: bind: permission denied"; std::invalid_argument
/// for a path. Mirrors `new net.BoundSocket({host, port})`.
[[nodiscard]] BoundSocket bind(const Endpoint& endpoint, const ListenOptions& options = ListenOptions());

/// Makes it listen; of the options `backlog` counts. Throws Error: EADDRINUSE when another socket that was
/// bound to the same address listens already; std::logic_error for no socket. Mirrors `server.listen(bound)`.
[[nodiscard]] Server listen(Loop& loop, BoundSocket socket, const ListenOptions& options = ListenOptions());

/// Connects from that address to `endpoint`; as `connect` of `net/socket.h`. Mirrors `new net.Socket({handle:
/// bound}).connect(...)`.
[[nodiscard]] Op<Socket> connect(Loop& loop, BoundSocket from, const Endpoint& endpoint);

}  // namespace baton::net
