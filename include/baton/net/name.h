#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/net/endpoint.h"
#include "baton/net/socket.h"

namespace baton::net {

/// The addresses of a host, in the order in which they are better tried (RFC 6724), each with `port`; at
/// least one. An address in digits is its own. It is getaddrinfo(3), and so asks /etc/hosts and the name
/// servers of /etc/resolv.conf, in one of sixteen threads of its own: the loop goes on, and who else has work
/// beside the loop does not wait for name servers. Other names do: a server that does not answer holds up
/// those behind it as long as /etc/resolv.conf says, up to 1,024; beyond that it fails with EAGAIN at once.
/// Fails with a code of `resolver_category` ("resolve db.example: name or service not known"). Giving the
/// wait up, or dropping the Op, forgets the answer, and frees the thread only when it comes. Throws
/// std::invalid_argument for a name that is empty, longer than 253 bytes or has a NUL in it. Mirrors
/// `dns.lookup` with `all`.
[[nodiscard]] Op<std::vector<Endpoint>> resolve(Loop& loop, std::string_view host, std::uint16_t port);

/// What getaddrinfo(3) says, EAI_NONAME and the like, as the codes of an Error.
[[nodiscard]] const std::error_category& resolver_category() noexcept;

/// Connects to a port of a host: `co_await net::connect(loop, "localhost", 80)`. The name is resolved as
/// above; of its addresses, at most 16, the first that answers is taken. They are tried one after the other,
/// IPv6 and IPv4 in turn: the next as soon as one has failed, or 250 ms after the one before (RFC 8305).
/// Fails with the error of the first address; the step has each, and the error of those that have another:
/// "connect to db:81: 10.0.0.1:81, [fd00::1]:81 (network is unreachable): connection refused". Giving the
/// wait up, or dropping the Op, ends all that. Throws as `resolve` does. Mirrors `net.connect(port, host)`
/// with `autoSelectFamily`.
[[nodiscard]] Op<Socket> connect(Loop& loop, std::string_view host, std::uint16_t port);

}  // namespace baton::net
