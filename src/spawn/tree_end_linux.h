#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <vector>

#include "baton/loop/timer.h"
#include "spawn/process_table_linux.h"

namespace baton::spawner {

/// Ends a process's descendants: first asks them, then kills them, and looks again until none is left, as
/// they may fork meanwhile. Who was seen once is not lost when its parents end.
class TreeEnd {
 public:
  /// Best if `leader` leads a session of its own: else those are lost whose parents end before the first
  /// look. `leader_gone` asks whether its process has been collected; `gone` is called once, from the loop,
  /// when it has and no descendant is left.
  TreeEnd(Loop& loop, pid_t leader, std::function<bool()> leader_gone, Callback gone);

  /// A signal to the descendants, once; first to the leader, if he shall have it too.
  void ask(int signal_number = SIGTERM, bool leader_too = false);
  /// SIGKILL to all of them, the leader too, again and again.
  void kill();

 private:
  void look();
  void look_again();
  void signal_leader(const std::vector<ProcessEntry>& table, int signal_number) const;
  [[nodiscard]] bool belongs_to_a_stranger(const std::vector<ProcessEntry>& table) const;

  Loop& loop_;
  pid_t leader_;
  std::function<bool()> leader_gone_;
  Callback gone_;
  Timer again_;
  std::vector<ProcessEntry> known_;
  std::chrono::milliseconds pause_{0};
  bool kills_ = false;
};

}  // namespace baton::spawner
