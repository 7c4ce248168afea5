#include "ipc/descriptor_read.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace baton {

DescriptorRead::Outcome DescriptorRead::from(int socket) {
  // One for all channels of a thread, as their machines take in what was read before anything else is read.
  // Another thread has a loop of its own.
  static thread_local std::array<char, most_bytes> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control;
  bytes_ = {};
  descriptors_.clear();
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Outcome::nothing : Outcome::reset;
  take_descriptors(message);
  truncated_ = (message.msg_flags & MSG_CTRUNC) != 0;
  bytes_ = std::string_view(buffer.data(), static_cast<size_t>(got));
  return got == 0 ? Outcome::ended : Outcome::data;
}

void DescriptorRead::take_descriptors(const msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
      descriptors_.emplace_back(descriptor);
    }
  }
}

}  // namespace baton
