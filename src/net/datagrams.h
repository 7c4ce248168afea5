#pragma once

#include <string>
#include <string_view>

#include "base/fifo.h"
#include "baton/net/endpoint.h"
#include "net/sockaddr.h"

namespace baton::net {

/// A datagram on its way out; without an address on a connected socket.
struct Datagram {
  std::string bytes;
  SocketAddress to;
};

/// How many datagrams go in one system call, either way.
inline constexpr int most_datagrams = 16;

/// Gives the front of a queue that is not empty to the kernel in one call: how many it took; -1 with errno if
/// not even the first.
int send_datagrams(int socket, Fifo<Datagram>& queue);

/// Datagrams that one system call has read. They lie in one place for the whole thread, which the next read
/// uses again.
class ReceivedDatagrams {
 public:
  /// How many came; -1 with errno if none.
  int from(int socket);
  [[nodiscard]] std::string_view bytes(int index) const;
  [[nodiscard]] Endpoint sender(int index) const;
};

}  // namespace baton::net
