#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace baton::supervisor {

/// The little of a process's `Usage` that costs the kernel next to nothing; what it does not say is empty.
struct BriefUsage {
  std::optional<std::chrono::milliseconds> cpu;  ///< user and system time since its start
  std::optional<uint64_t> resident;              ///< bytes
};
[[nodiscard]] BriefUsage brief_usage(pid_t pid);

}  // namespace baton::supervisor
