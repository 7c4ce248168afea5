#pragma once

#include <cstddef>
#include <memory>

#include "baton/base/fd.h"

namespace baton {

/// Closes what one peer has sent and of which close(2) may take its time: a file waits for whoever keeps it
/// (FUSE, NFS), a Unix-domain socket for what lies unread in its queue (a connection with SO_LINGER). A
/// thread does it, which lives as long as there is something to close: so whoever makes it wait makes only
/// what he sent himself wait. The number is free a moment later.
class CloseAside {
 public:
  CloseAside() = default;
  CloseAside(const CloseAside&) = delete;
  CloseAside& operator=(const CloseAside&) = delete;
  /// What still waits is closed all the same.
  ~CloseAside();
  /// For what is of no peer in particular.
  [[nodiscard]] static CloseAside& of_nobody();

  void close(Fd descriptor) noexcept;
  /// So many wait that no more should be taken from that peer until some are closed.
  [[nodiscard]] bool full() const noexcept;

 private:
  void begin() const noexcept;
  static constexpr std::size_t most_waiting = 64;
  struct Waiting;
  std::shared_ptr<Waiting> waiting_;  // shared with the thread; none before the first
};

}  // namespace baton
