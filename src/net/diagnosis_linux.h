#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "baton/base/fd.h"

namespace baton::net {

/// A netlink socket on which the kernel's socket diagnosis answers `body`, the request of a family; each
/// answer is waited for 100 ms. Empty where there is none to ask.
template <class Body>
[[nodiscard]] Fd ask_diagnosis(const Body& body, uint16_t flags) noexcept {
  const struct {
    nlmsghdr header;
    Body body;
  } request{{sizeof request, SOCK_DIAG_BY_FAMILY, static_cast<uint16_t>(NLM_F_REQUEST | flags), 0, 0}, body};
  Fd diagnosis(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  const timeval patience{0, 100'000};
  ::setsockopt(diagnosis.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::send(diagnosis.get(), &request, sizeof request, 0) < 0) diagnosis.reset();
  return diagnosis;
}

/// Hears the message of each answer, and what it stands in. False: there is no diagnosis, or not all came.
template <class Message, class Hear>
[[nodiscard]] bool each_answer(const Fd& diagnosis, Hear hear) {
  alignas(nlmsghdr) std::array<char, 32768> bytes{};
  for (;;) {
    const ssize_t got = ::recv(diagnosis.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    auto left = static_cast<unsigned>(got);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      // It bears an error where it was the kernel that could not go on.
      if (header->nlmsg_type == NLMSG_DONE)
        return header->nlmsg_len < NLMSG_LENGTH(sizeof(int)) ||
               *static_cast<const int*>(NLMSG_DATA(header)) >= 0;
      if (header->nlmsg_type == NLMSG_ERROR) return false;
      if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || header->nlmsg_len < NLMSG_LENGTH(sizeof(Message)))
        continue;
      hear(*static_cast<const Message*>(NLMSG_DATA(header)), header);
    }
  }
}

/// What an answer says beside its message under that number; nothing where it says nothing.
template <class Message>
[[nodiscard]] std::string_view attribute_of(const nlmsghdr* header, int number) noexcept {
  constexpr size_t head = NLMSG_LENGTH(sizeof(Message));
  auto length = static_cast<int>(header->nlmsg_len - head);
  for (const auto* part = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(header) + head);
       RTA_OK(part, length); part = RTA_NEXT(part, length)) {
    if (part->rta_type == number) return {static_cast<const char*>(RTA_DATA(part)), RTA_PAYLOAD(part)};
  }
  return {};
}

}  // namespace baton::net
