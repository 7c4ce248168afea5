#include "ipc/descriptor_read.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace baton {

namespace {

DescriptorRead::Outcome outcome_of(int error) {
  using Outcome = DescriptorRead::Outcome;
  switch (error) {
    case EAGAIN:
      return Outcome::nothing;
    case ECONNRESET:
    case ENOTCONN:
    case EBADF:
    case ENOTSOCK:
      return Outcome::reset;
    default:
      return Outcome::failed;
  }
}

}  // namespace

DescriptorRead::Outcome DescriptorRead::from(int socket, size_t bytes) {
  // One for all channels of a thread, as their machines take in what was read before anything else is read.
  // Another thread has a loop of its own.
  static thread_local std::array<char, most_bytes> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int)) + CMSG_SPACE(sizeof(ucred))>
      control;
  bytes_ = {};
  descriptors_.clear();
  asked_ = std::min(bytes, buffer.size());
  iovec piece{buffer.data(), asked_};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return outcome_of(errno);
  take_control(message);
  truncated_ = (message.msg_flags & MSG_CTRUNC) != 0;
  bytes_ = std::string_view(buffer.data(), static_cast<size_t>(got));
  return got == 0 ? Outcome::ended : Outcome::data;
}

void DescriptorRead::take_control(const msghdr& message) {
  sender_ = {};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(header), sizeof who);
      sender_ = {who.pid, who.uid};
    }
    if (header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
      descriptors_.emplace_back(descriptor);
    }
  }
}

}  // namespace baton
