#pragma once

#include <sys/types.h>

namespace baton::spawner {

/// The children that this thread started here and whose status nobody has collected yet. Who collects what
/// others leave behind (a subreaper, a process 1) must leave these alone.
void remember_child(pid_t pid);
void forget_child(pid_t pid) noexcept;
[[nodiscard]] bool is_own_child(pid_t pid) noexcept;

}  // namespace baton::spawner
