#pragma once

#include <sys/types.h>

#include "baton/base/fd.h"

namespace baton::spawner {

/// Takes over a child whose loop is gone, so that nobody waits for it: it is collected by a later call of
/// this thread's `reap_abandoned`, if it has ended by then. Never blocks.
void abandon(pid_t pid, Fd pidfd) noexcept;

/// Collects the abandoned children that have ended.
void reap_abandoned() noexcept;

}  // namespace baton::spawner
