#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace baton::spawner {

/// A process as /proc shows it; its number and its start together name it for all time.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';  ///< 'Z': it has ended and was not collected yet
  uint64_t started = 0;

  [[nodiscard]] bool ended() const noexcept { return state == 'Z' || state == 'X'; }
  /// Whether both are one process.
  [[nodiscard]] bool is(const ProcessEntry& other) const noexcept {
    return pid == other.pid && started == other.started;
  }
};

/// The content of /proc/PID/stat; nothing if it is none.
[[nodiscard]] std::optional<ProcessEntry> parse_stat(std::string_view stat);

/// The process of that number, if there is one.
[[nodiscard]] std::optional<ProcessEntry> find_process(pid_t pid);
/// Every process there is.
[[nodiscard]] std::vector<ProcessEntry> all_processes();

/// The processes of `table` that descend from `leader`, itself left out: those of its session, and the
/// descendants of all of these. Who has left the session is found as long as its parents live. What was
/// `known` to be in the tree, and its descendants, belong to it if they are still there.
[[nodiscard]] std::vector<ProcessEntry> tree_of(const std::vector<ProcessEntry>& table, pid_t leader,
                                                const std::vector<ProcessEntry>& known = {});
/// Whether `pid` is `ancestor` or descends from it.
[[nodiscard]] bool descends_from(pid_t pid, pid_t ancestor);

/// Sends a signal to exactly that process; false if it is no more.
bool signal_process(const ProcessEntry& process, int signal_number);

/// Sends a signal to a child of this process that was not collected yet, and to all that descends from it,
/// until nobody new is found; how many got it. For SIGKILL all are stopped first, so that nobody forks or
/// loses its parent meanwhile.
size_t signal_tree(pid_t leader, int signal_number);

/// The children of this process that nobody here has started: orphans that the kernel gave it. Ended ones are
/// among them.
[[nodiscard]] std::vector<ProcessEntry> adopted_children();

}  // namespace baton::spawner
