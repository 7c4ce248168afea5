#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdint>
#include <string_view>

#include "net/diagnosis_linux.h"
#include "net/shut_flags.h"

namespace baton::net {

bool gives_dead_connections(int listener) noexcept {
  int family = 0;
  socklen_t length = sizeof family;
  struct stat status{};
  if (::getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 ||
      ::fstat(listener, &status) != 0) {
    return false;
  }
  if (family != AF_INET && family != AF_INET6) return false;
  inet_diag_req_v2 listeners{};
  listeners.sdiag_family = static_cast<uint8_t>(family);
  listeners.sdiag_protocol = IPPROTO_TCP;
  listeners.idiag_states = 1U << TCP_LISTEN;
  bool shut = false;
  (void)each_answer<inet_diag_msg>(
      ask_diagnosis(listeners, NLM_F_DUMP), [&](const inet_diag_msg& one, const nlmsghdr* answer) {
        if (one.idiag_inode != static_cast<uint32_t>(status.st_ino)) return;
        const std::string_view flags = attribute_of<inet_diag_msg>(answer, INET_DIAG_SHUTDOWN);
        shut = !flags.empty() && flags.front() != 0;
      });
  return shut;
}

}  // namespace baton::net
