#pragma once

#include <string>

#include "baton/base/error.h"
#include "spawn/child_side_linux.h"
#include "spawn/launch.h"

namespace baton::spawner {

/// A new process in which `child_main` runs, in a copy of our memory, and which is in the cgroup, whose
/// folder's descriptor `folder` is, from its first moment on: clone3(2) with CLONE_INTO_CGROUP, Linux 5.7.
/// Unlike one that enters later it counts against the limit of the cgroup (pids.max) before it exists.
[[nodiscard]] Result<Launched> clone_into_cgroup(ChildJob& job, int folder, const std::string& operation);

/// Whether that failed because it cannot be done here, which says nothing about entering by cgroup.procs: an
/// older kernel, a container that refuses calls that it does not know, a folder of the first cgroups.
[[nodiscard]] bool cgroup_can_be_entered_later(const Error& error);

}  // namespace baton::spawner
