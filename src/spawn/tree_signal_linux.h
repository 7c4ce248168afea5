#pragma once

#include <sys/types.h>

#include <cstddef>

#include "baton/base/error.h"
#include "spawn/process_table_linux.h"

namespace baton::spawner {

/// Sends a signal to exactly that process; false if it is no more. Fails with EPERM as kill(2), and where it
/// cannot be made sure of, as no descriptor is to spare.
[[nodiscard]] Result<bool> signal_process(const ProcessEntry& process, int signal_number);

/// Sends a signal to a child of this process that was not collected yet, whose pidfd is `pidfd`, and to all
/// that descends from it, until nobody new is found; how many got it. Where the processes cannot be seen, it
/// is the child alone. For SIGKILL all are stopped first, so that nobody forks or loses its parent meanwhile;
/// whoever was stopped is killed, whatever fails between.
size_t signal_tree(pid_t leader, int pidfd, int signal_number);

}  // namespace baton::spawner
