#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "baton/base/fd.h"

namespace baton::chaos {

/// A process that a primary started. Held by a pidfd, so that a signal reaches it or nobody.
class Worker {
 public:
  /// The living children of `primary`, whatever they do.
  static std::vector<Worker> of(pid_t primary);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// False: it is gone.
  bool signal(int number) const;
  /// Stops it (SIGSTOP) and waits until it stands still. False: it is gone.
  [[nodiscard]] bool freeze() const;
  /// The clients' ports of the connections that are in its descriptor table; it must stand still. Nothing if
  /// the kernel does not let us look.
  [[nodiscard]] std::optional<std::set<std::uint16_t>> connections() const;

 private:
  Worker(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_;
  Fd pidfd_;
};

}  // namespace baton::chaos
