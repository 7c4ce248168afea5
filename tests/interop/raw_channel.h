#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "baton/base/fd.h"
#include "support/send_descriptor.h"

namespace baton::test {

/// A channel as the kernel sees it: a pair of sockets, bytes, and descriptors beside them.
class RawChannel {
 public:
  RawChannel() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
  }
  /// For the child; closed here once it has started.
  [[nodiscard]] int theirs() const { return theirs_.get(); }
  void child_started() { theirs_.reset(); }

  /// Writes all of it, with a descriptor beside it if one is given.
  void write(std::string_view bytes, int descriptor = -1) const {
    if (!send_with(ours_.get(), bytes, descriptor)) {
      throw std::runtime_error("the channel takes no more");
    }
  }
  /// The bytes up to the next newline; empty if none comes within 30 s. The descriptor that came with them,
  /// if one did, is `descriptor()`.
  std::string line() {
    size_t end = 0;
    while ((end = bytes_.find('\n')) == std::string::npos) {
      if (!receive()) return {};
    }
    std::string line = bytes_.substr(0, end + 1);
    bytes_.erase(0, end + 1);
    return line;
  }
  [[nodiscard]] const Fd& descriptor() const { return descriptor_; }

 private:
  bool receive() {
    pollfd wanted{ours_.get(), POLLIN, 0};
    if (::poll(&wanted, 1, 30000) != 1) return false;
    char bytes[65536];
    alignas(cmsghdr) char control[256];
    iovec place{bytes, sizeof bytes};
    msghdr header{};
    header.msg_iov = &place;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(ours_.get(), &header, MSG_CMSG_CLOEXEC);
    if (got <= 0) return false;
    bytes_.append(bytes, static_cast<size_t>(got));
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part), sizeof number);
      descriptor_.reset(number);
    }
    return true;
  }

  Fd ours_;
  Fd theirs_;
  Fd descriptor_;
  std::string bytes_;
};

}  // namespace baton::test
