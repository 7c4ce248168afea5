#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.h"
#include "spawn/patient_read_linux.h"

namespace baton::spawner {

/// A process as /proc shows it; its number and its start together name it for all time.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';  ///< 'Z': it has ended and was not collected yet
  uint64_t started = 0;
  /// It holds whoever looks at it in /proc, or the machine is too busy to look: known are its number, its
  /// session, and whether it is a child of this process.
  bool held = false;

  [[nodiscard]] bool ended() const noexcept { return state == 'Z' || state == 'X'; }
  /// Whether both are one process. Where one of them could not be looked at, its number counts: nobody is
  /// another because the machine is busy.
  [[nodiscard]] bool is(const ProcessEntry& other) const noexcept {
    return pid == other.pid && (held || other.held || started == other.started);
  }
};

/// `ProcessEntry::started` of who would start now.
[[nodiscard]] uint64_t started_now() noexcept;

/// The content of /proc/PID/stat; nothing if it is none.
[[nodiscard]] std::optional<ProcessEntry> parse_stat(std::string_view stat);

/// The process of that number. Fails, also if there is none. Takes a tenth of a second where it holds whoever
/// looks at it, once.
[[nodiscard]] Result<ProcessEntry> find_process(pid_t pid);
/// Whether an error of these says that the process is no more, and not that it could not be looked at.
[[nodiscard]] bool is_gone(const Error& error);
/// Every process there is, but those that are hidden from this one (hidepid, proc(5)). Fails, rather than
/// tell of some only, where /proc cannot be read, as with no descriptor to spare.
[[nodiscard]] Result<std::vector<ProcessEntry>> all_processes();

/// The processes of `table` that descend from `leader`, itself left out: those of its session, and the
/// descendants of all of these. Who has left the session is found as long as its parents live. What was
/// `known` to be in the tree, and its descendants, belong to it if they are still there.
[[nodiscard]] std::vector<ProcessEntry> tree_of(const std::vector<ProcessEntry>& table, pid_t leader,
                                                const std::vector<ProcessEntry>& known = {});
/// Whether `pid` is `ancestor` or descends from it.
[[nodiscard]] bool descends_from(pid_t pid, pid_t ancestor);

/// Whether its program has a handler for that signal; false if it cannot be looked at.
[[nodiscard]] bool handles_signal(pid_t pid, int signal_number);

/// What is kept of a process's environment is no longer.
inline constexpr size_t longest_value = 256;
/// What a variable of a process's environment was when its program began; nothing if it was not set, is
/// longer than `longest_value`, or is not to be seen. Waits for it at most 1 s; not for a loop.
[[nodiscard]] std::optional<std::string> environment_value(const ProcessEntry& process, std::string_view name,
                                                           const ReadFor& whom);
/// The same; fails if that cannot be said now: it was not to be seen in time, or the program is just
/// beginning, and has no environment yet (or none at all).
[[nodiscard]] Result<std::optional<std::string>> look_for_environment_value(const ProcessEntry& process,
                                                                            std::string_view name,
                                                                            const ReadFor& whom);
/// The same of many, with a patience for all together; in their order.
[[nodiscard]] std::vector<std::optional<std::string>> environment_values(
    const std::vector<ProcessEntry>& processes, std::string_view name, std::chrono::milliseconds patience,
    const ReadFor& whom);

/// Whether this process is its parent, and has not started it: an orphan that the kernel gave it.
[[nodiscard]] bool is_adopted(const ProcessEntry& process);
/// Those, the ended ones too; perhaps no more after so many living ones. Fails as `all_processes`.
[[nodiscard]] Result<std::vector<ProcessEntry>> adopted_children(
    size_t most_living = std::numeric_limits<size_t>::max());

}  // namespace baton::spawner
