#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/datagrams.h"

namespace baton::net {

// Memory that no datagram has come to costs nothing.
struct ReceivedDatagrams::Room {
  std::array<mmsghdr, most_datagrams> headers;
  std::array<iovec, most_datagrams> pieces;
  std::array<sockaddr_storage, most_datagrams> senders;
  std::array<std::array<char, longest_datagram>, most_datagrams> bytes;
};

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

void drop_queued_errors(int socket) {
  constexpr int most_at_once = 64;
  for (int i = 0; i < most_at_once; ++i) {
    msghdr header{};
    if (::recvmsg(socket, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
  }
}

std::unique_ptr<ReceivedDatagrams::Room>& ReceivedDatagrams::spare() {
  static thread_local std::unique_ptr<Room> room;
  return room;
}
ReceivedDatagrams::ReceivedDatagrams()
    : room_(spare() ? std::move(spare()) : std::make_unique_for_overwrite<Room>()) {}
ReceivedDatagrams::~ReceivedDatagrams() { spare() = std::move(room_); }

int ReceivedDatagrams::from(int socket) {
  for (size_t i = 0; i < most_datagrams; ++i) {
    room_->pieces[i] = {room_->bytes[i].data(), longest_datagram};
    room_->headers[i] = {};
    msghdr& header = room_->headers[i].msg_hdr;
    header.msg_name = &room_->senders[i];
    header.msg_namelen = sizeof room_->senders[i];
    header.msg_iov = &room_->pieces[i];
    header.msg_iovlen = 1;
  }
  return ::recvmmsg(socket, room_->headers.data(), most_datagrams, MSG_DONTWAIT, nullptr);
}

std::string_view ReceivedDatagrams::bytes(int index) const {
  const auto place = static_cast<size_t>(index);
  return {room_->bytes[place].data(), room_->headers[place].msg_len};
}

Endpoint ReceivedDatagrams::sender(int index) const {
  const auto place = static_cast<size_t>(index);
  return Endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&room_->senders[place]),
                               room_->headers[place].msg_hdr.msg_namelen);
}

}  // namespace baton::net
