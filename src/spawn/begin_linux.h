#pragma once

#include <chrono>
#include <string>

#include "baton/base/error.h"
#include "spawn/child_side_linux.h"
#include "spawn/launch.h"

namespace baton::spawner {

/// A child that is past its steps: it executes its program, unless the report says that a step failed or the
/// time was up.
struct Begun {
  Launched child;
  Report report;
  bool in_time = true;
};

/// Runs `child_main` in the memory of this process while this thread sleeps: the cost does not grow with that
/// memory, and nothing bounds the time. Only for a child that stays who we are and where we are. Somebody
/// else could stop it, and this thread with it; and when one of two processes that share their memory changes
/// its user, the kernel forbids both core dumps, being traced, and what it shows of them in /proc.
[[nodiscard]] Result<Begun> begin_in_our_memory(ChildJob& job, const std::string& operation);

/// Runs `child_main` in a copy of the memory of this process, as fork(2) does, and waits for `patience` at
/// most. `cgroup` is a folder's descriptor; with one the child is born in it, if this kernel can do that.
[[nodiscard]] Result<Begun> begin_apart(ChildJob& job, int cgroup, std::chrono::milliseconds patience,
                                        const std::string& operation);

/// Collects a child that is ending, so that no zombie is left of it. One that does not end, as a system call
/// holds it, is left to `reap_abandoned`.
void collect(Launched child);

}  // namespace baton::spawner
