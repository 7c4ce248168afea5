#pragma once

#include <sys/types.h>

#include <unordered_set>

namespace baton::spawner {

/// The children that this thread started here and whose status nobody has collected yet. Who collects what
/// others leave behind (a subreaper, a process 1) must leave these alone.
void remember_child(pid_t pid);
void forget_child(pid_t pid) noexcept;
[[nodiscard]] bool is_own_child(pid_t pid) noexcept;

/// @{
/// For a thread that looks in place of another.
[[nodiscard]] std::unordered_set<pid_t> all_own_children();
void set_own_children(std::unordered_set<pid_t> children) noexcept;
/// @}

}  // namespace baton::spawner
