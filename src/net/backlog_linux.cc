#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/backlog.h"

namespace baton::net {

// For a listener two fields have a meaning of their own, as `ss -l` shows them.
std::optional<Backlog> backlog_of(int listener) noexcept {
  tcp_info about{};
  socklen_t size = sizeof(about);
  if (::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &about, &size) != 0 || about.tcpi_state != TCP_LISTEN) {
    return std::nullopt;
  }
  return Backlog{.waiting = about.tcpi_unacked, .most = about.tcpi_sacked};
}

}  // namespace baton::net
