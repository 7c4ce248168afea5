#pragma once

#include <optional>

#include "baton/supervisor/restart_policy.h"

namespace baton::supervisor {

/// The deadlines of a worker's life.
struct LifeLimits {
  Time listen_timeout;
  Time kill_timeout;
  std::optional<Time> ready_when_alive;  ///< it is ready if it lives so long
  static constexpr Time after_channel = std::chrono::seconds(1);
  /// The end of a process closes its channel too, and is told a little later.
  static constexpr Time own_leave = std::chrono::milliseconds(50);
};

/// One worker from its start until nothing of it is left. No clock: each event says what time it is.
///
///   stage     | ready  | tell         | exited     | listen due | channel closed  | term due  | kill due
///   ----------+--------+--------------+------------+------------+-----------------+-----------+----------
///   starting  | ready  | leaving,     | leftovers, | killed,    | leaving if it   |           |
///             |        | tell or term | sweep      | kill_tree  | was online: left|           |
///   ready     |        | leaving,     | leftovers, |            | the same        |           |
///             |        | tell or term | sweep      |            |                 |           |
///   leaving   |        |              | leftovers, |            |                 | terminate | killed,
///             |        |              | sweep      |            |                 |           | kill_tree
///   killed    |        |              | leftovers, |            |                 |           |
///             |        |              | kill_tree  |            |                 |           |
///   leftovers |        |              |            |            |                 |           | kill_tree
///
/// `kill` leads to killed from anywhere. In leftovers the process has ended, and `gone` says that its
/// descendants have too.
class WorkerLife {
 public:
  enum class Stage { starting, ready, leaving, killed, leftovers };
  enum class Do {
    nothing,
    become_ready,
    leave,      ///< it leaves by itself: nothing can be handed to it any more
    tell,       ///< Node's `disconnect`, and the stop signal
    terminate,  ///< SIGTERM
    kill_tree,  ///< SIGKILL to it and its descendants, until none is left
    sweep,      ///< SIGTERM to what it left behind; nothing left: `gone`
  };

  WorkerLife(const LifeLimits& limits, Time now);

  // Events.

  /// It speaks the cluster's protocol.
  void online() noexcept { online_ = true; }
  Do ready(Time now);
  /// It shall stop.
  Do tell(Time now);
  /// Its end of the channel is closed.
  void channel_closed(Time now);
  Do kill(Time now);
  /// Its process has ended.
  Do exited(Time now);
  /// The time of `due` has come, or anything else: does what is due by now.
  Do tick(Time now);

  // State.

  [[nodiscard]] Stage stage() const noexcept { return stage_; }
  /// When `tick` is to be called at the latest.
  [[nodiscard]] std::optional<Time> due() const noexcept;
  [[nodiscard]] Time started_at() const noexcept { return started_at_; }
  [[nodiscard]] const std::optional<Time>& ready_at() const noexcept { return ready_at_; }
  /// How long it was ready; negative if it never was.
  [[nodiscard]] Time uptime(Time now) const noexcept { return ready_at_ ? now - *ready_at_ : Time(-1); }
  /// It was killed because it did not become ready in time.
  [[nodiscard]] bool late() const noexcept { return late_; }

 private:
  void leave(Time now);
  [[nodiscard]] std::optional<Time> leaves_at() const noexcept;

  LifeLimits limits_;
  Stage stage_ = Stage::starting;
  Time started_at_;
  std::optional<Time> ready_at_;
  std::optional<Time> channel_closed_at_;
  std::optional<Time> terminate_at_;
  std::optional<Time> kill_at_;
  bool online_ = false;
  bool terminated_ = false;
  bool late_ = false;
};

}  // namespace baton::supervisor
