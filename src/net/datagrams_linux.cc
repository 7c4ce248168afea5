#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "net/datagrams.h"

namespace baton::net {
namespace {

constexpr size_t longest = size_t{64} << 10;  // no datagram is longer

struct Room {
  std::array<std::array<char, longest>, most_datagrams> bytes;
  std::array<sockaddr_storage, most_datagrams> senders;
  std::array<iovec, most_datagrams> pieces;
  std::array<mmsghdr, most_datagrams> headers;
};
Room room;  // memory that no datagram has come to costs nothing

}  // namespace

int send_datagrams(int socket, Fifo<Datagram>& queue) {
  std::array<iovec, most_datagrams> pieces;
  std::array<mmsghdr, most_datagrams> headers;
  const size_t count = std::min<size_t>(queue.size(), most_datagrams);
  for (size_t i = 0; i < count; ++i) {
    Datagram& next = queue[i];
    pieces[i] = {next.bytes.data(), next.bytes.size()};
    headers[i] = {};
    msghdr& header = headers[i].msg_hdr;
    header.msg_iov = &pieces[i];
    header.msg_iovlen = 1;
    if (next.to.length() == 0) continue;
    header.msg_name = const_cast<sockaddr*>(next.to.get());
    header.msg_namelen = next.to.length();
  }
  return ::sendmmsg(socket, headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
}

int ReceivedDatagrams::from(int socket) {
  for (size_t i = 0; i < most_datagrams; ++i) {
    room.pieces[i] = {room.bytes[i].data(), longest};
    room.headers[i] = {};
    msghdr& header = room.headers[i].msg_hdr;
    header.msg_name = &room.senders[i];
    header.msg_namelen = sizeof room.senders[i];
    header.msg_iov = &room.pieces[i];
    header.msg_iovlen = 1;
  }
  return ::recvmmsg(socket, room.headers.data(), most_datagrams, MSG_DONTWAIT, nullptr);
}

std::string_view ReceivedDatagrams::bytes(int index) const {
  const auto place = static_cast<size_t>(index);
  return {room.bytes[place].data(), room.headers[place].msg_len};
}

Endpoint ReceivedDatagrams::sender(int index) const {
  const auto place = static_cast<size_t>(index);
  return Endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&room.senders[place]),
                               room.headers[place].msg_hdr.msg_namelen);
}

}  // namespace baton::net
