#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::supervisor {

/// The variable by which a worker's descendants can be told from others, when neither session nor parents say
/// whose they are.
inline constexpr std::string_view worker_mark = "BATON_WORKER";

/// How its value begins for all workers of a supervisor that is this process, and what it is for one of them.
[[nodiscard]] inline std::string mark_of_workers(pid_t primary) { return std::to_string(primary) + "."; }
[[nodiscard]] inline std::string mark_of_worker(pid_t primary, uint64_t id) {
  return mark_of_workers(primary) + std::to_string(id);
}

/// Since when a program beside the workers of this thread runs, which bears the mark of the number 0 (as
/// `spawner::started_now` counts), also while what it left is ended; nothing: there is none. It is set by
/// whoever starts that.
[[nodiscard]] inline std::optional<uint64_t>& program_beside() noexcept {
  thread_local std::optional<uint64_t> since;
  return since;
}

}  // namespace baton::supervisor
