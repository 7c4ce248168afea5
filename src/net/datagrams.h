#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fifo.h"
#include "baton/base/fd.h"
#include "baton/net/endpoint.h"
#include "baton/net/udp.h"
#include "net/sockaddr.h"

namespace baton::net {

/// A datagram on its way out; without an address on a connected socket.
struct Datagram {
  std::string bytes;
  SocketAddress to;
};

/// The socket of `bind_udp`. Throws as that does.
[[nodiscard]] Fd bound_udp(const Endpoint& endpoint, const UdpOptions& options);

/// How many datagrams go in one system call, either way.
inline constexpr int most_datagrams = 16;
/// In bytes; over it there is no datagram.
inline constexpr size_t longest_datagram = size_t{64} << 10;

/// Gives the front of a queue that is not empty to the kernel in one call: how many it took; -1 with errno if
/// not even the first.
int send_datagrams(int socket, Fifo<Datagram>& queue);

/// Empties the queue of errors that a socket with IP_RECVERR, time stamps or MSG_ZEROCOPY has beside its
/// datagrams: an event for ever, as long as nobody looks at it. Whoever shares a socket can turn them on;
/// what an error in there says, some call on the socket has failed with.
void drop_queued_errors(int socket);

/// Datagrams that one system call has read, and the memory for them: whoever looks at them may run another
/// loop meanwhile.
class ReceivedDatagrams {
 public:
  ReceivedDatagrams();
  ReceivedDatagrams(const ReceivedDatagrams&) = delete;
  ReceivedDatagrams& operator=(const ReceivedDatagrams&) = delete;
  ~ReceivedDatagrams();

  /// How many came; -1 with errno if none.
  int from(int socket);
  [[nodiscard]] std::string_view bytes(int index) const;
  [[nodiscard]] Endpoint sender(int index) const;

 private:
  struct Room;
  // Of this thread; it is used again and again.
  static std::unique_ptr<Room>& spare();
  std::unique_ptr<Room> room_;
};

}  // namespace baton::net
