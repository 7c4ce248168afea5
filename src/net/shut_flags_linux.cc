#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <array>
#include <cstdint>
#include <optional>

#include "baton/base/fd.h"
#include "net/shut_flags.h"

namespace baton::net {
namespace {

struct DiagRequest {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

bool ask_for_listeners(const Fd& diagnosis, int family) {
  DiagRequest request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = static_cast<uint8_t>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = 1U << TCP_LISTEN;
  return ::send(diagnosis.get(), &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request);
}

// Of one socket's message; 0 if it does not say.
uint8_t shut_flags(const nlmsghdr* header, const inet_diag_msg* message) {
  auto length = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
  for (const auto* part = reinterpret_cast<const rtattr*>(message + 1); RTA_OK(part, length);
       part = RTA_NEXT(part, length)) {
    if (part->rta_type == INET_DIAG_SHUTDOWN) return *static_cast<const uint8_t*>(RTA_DATA(part));
  }
  return 0;
}

// What one answer says of the socket of that number; nothing if it goes on. Never anything but 0 at the end.
std::optional<uint8_t> find_in(const char* bytes, size_t size, uint32_t inode) {
  auto left = static_cast<unsigned>(size);
  for (const auto* header = reinterpret_cast<const nlmsghdr*>(bytes); NLMSG_OK(header, left);
       header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) return 0;
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
    const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
    if (message->idiag_inode == inode) return shut_flags(header, message);
  }
  return std::nullopt;
}

}  // namespace

bool gives_dead_connections(int listener) noexcept {
  int family = 0;
  socklen_t length = sizeof family;
  struct stat status{};
  if (::getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 ||
      ::fstat(listener, &status) != 0) {
    return false;
  }
  if (family != AF_INET && family != AF_INET6) return false;
  const Fd diagnosis(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  const timeval patience{0, 100'000};
  ::setsockopt(diagnosis.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (!diagnosis || !ask_for_listeners(diagnosis, family)) return false;
  alignas(nlmsghdr) std::array<char, 32768> answer{};
  for (;;) {
    const ssize_t got = ::recv(diagnosis.get(), answer.data(), answer.size(), 0);
    if (got <= 0) return false;
    const auto flags = find_in(answer.data(), static_cast<size_t>(got), static_cast<uint32_t>(status.st_ino));
    if (flags) return *flags != 0;
  }
}

}  // namespace baton::net
