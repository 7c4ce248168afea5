#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "baton/net/endpoint.h"

namespace baton::net {

/// The connections that a listener has let in and nobody has accepted.
struct Backlog {
  unsigned waiting = 0;
  unsigned most = 0;
  [[nodiscard]] bool full() const noexcept { return waiting >= most; }
};

/// That of a TCP listener; nothing for any other socket.
[[nodiscard]] std::optional<Backlog> backlog_of(int listener) noexcept;

/// Who waits in a backlog: the kernel's numbers of the connections, in order.
using Waiting = std::vector<uint64_t>;
constexpr std::size_t most_waiting = 65536;
/// Those who wait at the TCP listener of that address. Nothing where the kernel does not say it, or they are
/// more than `most_waiting`. Takes some milliseconds with some thousand, and as many with those that were
/// accepted: not for a loop.
[[nodiscard]] std::optional<Waiting> who_waits_at(const Endpoint& address);

}  // namespace baton::net
