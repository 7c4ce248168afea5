#pragma once

#include <optional>

#include "baton/base/error.h"
#include "baton/spawn/exit_status.h"

namespace baton::spawner {

/// Sends a signal (0 only asks) to the process that `pidfd` stands for, and to no other that may bear its
/// number by now. False: it has ended and was collected; true also while it is a zombie. EINVAL, EPERM as
/// kill(2).
[[nodiscard]] Result<bool> send_signal(int pidfd, int signum);

/// Collects the status of a child that has ended, without waiting; nothing while it runs. At most one call
/// for each child gets its status; after that, or if somebody else collected it, the status is the unknown
/// one. The descriptor is readable (poll(2)) from the moment on that the child ends.
[[nodiscard]] std::optional<ExitStatus> try_wait(int pidfd);

/// Whether a child has ended and was not collected yet.
[[nodiscard]] bool has_ended(int pidfd);

/// Waits for a child to end and collects its status.
ExitStatus wait(int pidfd);

}  // namespace baton::spawner
