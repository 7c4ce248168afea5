#pragma once

#include <optional>

namespace baton::net {

/// The connections that a listener has let in and nobody has accepted.
struct Backlog {
  unsigned waiting = 0;
  unsigned most = 0;
  [[nodiscard]] bool full() const noexcept { return waiting >= most; }
};

/// That of a TCP listener; nothing for any other socket.
[[nodiscard]] std::optional<Backlog> backlog_of(int listener) noexcept;

}  // namespace baton::net
