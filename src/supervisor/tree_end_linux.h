#pragma once

#include <sys/types.h>

#include <functional>

#include "baton/loop/timer.h"

namespace baton::supervisor {

/// Ends a process's descendants, which lead no session of theirs or have parents that do: first asks them,
/// then kills them, and looks again until none is left, as they may fork meanwhile.
class TreeEnd {
 public:
  /// `leader` leads a session of its own. `leader_gone` asks whether its process has ended; `gone` is called
  /// once, from the loop, when it has and no descendant is left.
  TreeEnd(Loop& loop, pid_t leader, std::function<bool()> leader_gone, Callback gone);

  /// SIGTERM to the descendants, once.
  void ask();
  /// SIGKILL to all of them, the leader too, again and again.
  void kill();

 private:
  void look();

  Loop& loop_;
  pid_t leader_;
  std::function<bool()> leader_gone_;
  Callback gone_;
  Timer again_;
  std::chrono::milliseconds pause_{0};
  bool kills_ = false;
};

}  // namespace baton::supervisor
