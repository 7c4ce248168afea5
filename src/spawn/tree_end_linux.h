#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/error.h"
#include "baton/loop/timer.h"
#include "spawn/look_linux.h"
#include "spawn/process_table_linux.h"

namespace baton::spawner {

/// Ends a process's descendants: first asks them, then kills them, and looks again until none is left, as
/// they may fork meanwhile. Who was seen once is not lost when its parents end. As there may be thousands,
/// and others may be in the way, a thread looks at them and signals them, while the loop goes on. Where
/// nothing is to be seen for a while, the leader is killed, and with it the process group that it leads.
class TreeEnd {
 public:
  /// The process itself, as its owner knows it.
  struct Leader {
    pid_t pid;
    /// Whether it has been collected.
    std::function<bool()> gone;
    /// A signal to it, as `send_signal`.
    std::function<Result<bool>(int)> signal;
    /// Whether an orphan that this process has adopted, and of which neither session nor parents tell, is one
    /// of its descendants, by what `mark` was in its environment if it was set; empty: none is.
    std::function<bool(const ProcessEntry&, const std::optional<std::string>& claimed)> left = {};
    std::string mark = {};
  };
  /// What is told when it is over.
  using Over = std::move_only_function<void(Result<void>)>;

  /// How long nothing may be left but processes that may not be signalled.
  static constexpr std::chrono::seconds patience{2};
  /// How long nothing may be left but processes that were killed before and do not end: the kernel holds them
  /// (state D), for a disk or a server of files that does not answer.
  static constexpr std::chrono::seconds undying{5};

  /// Best if the leader leads a session of its own: else those are lost whose parents end before the first
  /// look. `over` is called once, from the loop: when the leader has been collected and no descendant is
  /// left; or, after `kill`, with the Error of one that may not be signalled (EPERM, as a set-user-id program
  /// runs there), when for `patience` none but such is left, or it could not be seen who is; or ETIMEDOUT
  /// when none is left but who is `undying`. The leader may be the one.
  TreeEnd(Loop& loop, Leader leader, Over over);

  /// A signal to the descendants, once, as soon as they are seen; first to the leader, if it shall have it
  /// too.
  void ask(int signal_number = SIGTERM, bool leader_too = false);
  /// SIGKILL to all of them, the leader too, again and again.
  void kill();

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen;
  struct Sent;
  struct Round;

  void look();
  void decide(Seen& seen);
  void go_on_blindly(Round round, const Error& why);
  void kill_group();
  [[nodiscard]] bool find_orphans(const Seen& seen);
  void signal_all(Round round, std::optional<int> question);
  void judge(Round round);
  [[nodiscard]] std::optional<std::string> all_undying(const Round& round);
  void look_again();
  void end(Result<void> outcome);

  Loop& loop_;
  Leader leader_;
  Over over_;
  Timer again_;
  Look look_;
  std::vector<ProcessEntry> known_;
  std::map<std::pair<pid_t, uint64_t>, Clock::time_point> killed_;  // since when
  std::chrono::milliseconds pause_{0};
  std::optional<int> question_;  // that those who are found next are still to be asked
  bool asks_leader_ = false;     // the same
  bool kills_ = false;
  std::optional<Clock::time_point> stuck_since_;
};

}  // namespace baton::spawner
