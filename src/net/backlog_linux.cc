#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "net/backlog.h"
#include "net/diagnosis_linux.h"
#include "net/sockaddr.h"

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

// Whoever was not accepted is nobody's socket yet, and not closed. Who has reset it is not told, and stands
// in the backlog all the same.
std::optional<Waiting> who_waits_at(const Endpoint& address) {
  const SocketAddress own(address);
  std::array<uint32_t, 4> words{};
  if (own.domain() == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(own.get());
    std::memcpy(words.data(), &four->sin_addr, sizeof four->sin_addr);
  } else if (own.domain() == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(own.get());
    std::memcpy(words.data(), &six->sin6_addr, sizeof six->sin6_addr);
  } else {
    return std::nullopt;
  }
  const bool any = words == std::array<uint32_t, 4>{};
  inet_diag_req_v2 wanted{};
  wanted.sdiag_family = static_cast<uint8_t>(own.domain());
  wanted.sdiag_protocol = IPPROTO_TCP;
  wanted.idiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_CLOSE_WAIT;
  wanted.id.idiag_sport = htons(address.port());
  Waiting waiting;
  bool too_many = false;
  const bool all =
      each_answer<inet_diag_msg>(ask_diagnosis(wanted, NLM_F_DUMP), [&](const inet_diag_msg& one, auto) {
        if (one.idiag_inode != 0 || (!any && !std::ranges::equal(one.id.idiag_src, words))) return;
        too_many = too_many || waiting.size() == most_waiting;
        if (!too_many) waiting.push_back(uint64_t{one.id.idiag_cookie[1]} << 32U | one.id.idiag_cookie[0]);
      });
  if (!all || too_many) return std::nullopt;
  std::ranges::sort(waiting);
  return waiting;
}

}  // namespace baton::net
