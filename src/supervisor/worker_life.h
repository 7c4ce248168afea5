#pragma once

#include <optional>

#include "baton/supervisor/restart_policy.h"

namespace baton::supervisor {

/// By what a worker is known to be ready.
enum class Sign {
  notify,     ///< READY=1
  listening,  ///< the cluster's
  message,    ///< "ready", on the channel
  probe,      ///< somebody answers where `Options::ready` says
  own_port,   ///< it listens where the one before it did, by itself
  alive,      ///< it has lived for so long
};

/// The deadlines of a worker's life.
struct LifeLimits {
  Time listen_timeout;                   ///< 0: none
  Time kill_timeout;                     ///< 0: none
  std::optional<Time> ready_when_alive;  ///< it is ready if it lives so long
  bool own_signal = false;               ///< the signal that it is told by is not SIGTERM
  static constexpr Time after_channel = std::chrono::seconds(1);
  /// The end of a process closes its channel too, and is told a little later.
  static constexpr Time own_leave = std::chrono::milliseconds(50);
  /// Who has been ready for less may still be looking for its port.
  static constexpr Time settled = std::chrono::seconds(1);
  /// Nobody is killed who was not sent SIGTERM so long before, or a fifth of kill_timeout if that is shorter.
  static constexpr Time last_word = std::chrono::seconds(2);
};

/// One worker from its start until nothing of it is left. No clock: each event says what time it is.
///
///   stage     | ready  | tell         | exited     | listen due | channel closed  | term due  | kill due
///   ----------+--------+--------------+------------+------------+-----------------+-----------+----------
///   starting  | ready  | leaving,     | leftovers, | leaving,   | leaving if it   |           |
///             |        | tell or term | sweep      | terminate  | was online: left|           |
///   ready     |        | leaving,     | leftovers, |            | the same        |           |
///             |        | tell or term | sweep      |            |                 |           |
///   leaving   |        |              | leftovers, |            |                 | terminate | killed,
///             |        |              | sweep      |            |                 |           | kill_tree
///   killed    |        |              | leftovers, |            |                 |           |
///             |        |              | kill_tree  |            |                 |           |
///   leftovers |        |              |            |            |                 |           | kill_tree
///
/// In leaving, who was told by another signal than SIGTERM is not terminated for its closed channel. In
/// ready, who has stopped listening retires. `kill` leads to killed from anywhere. In leftovers the process
/// has ended, and `gone` says that its descendants have too.
class WorkerLife {
 public:
  enum class Stage { starting, ready, leaving, killed, leftovers };
  enum class Do {
    nothing,
    become_ready,
    leave,      ///< it leaves by itself: nothing can be handed to it any more
    retire,     ///< it listens no more: it is to be told, and replaced
    tell,       ///< Node's `disconnect`, behind a signal if it hears one
    terminate,  ///< the signal that it is told by, or at last SIGTERM
    kill_tree,  ///< SIGKILL to it and its descendants, until none is left
    sweep,      ///< SIGTERM to what it left behind; nothing left: `gone`
  };

  WorkerLife(const LifeLimits& limits, Time now);

  // Events.

  /// It speaks the cluster's protocol.
  void online() noexcept { online_ = true; }
  Do ready(Sign sign, Time now);
  /// It shall stop.
  Do tell(Time now);
  /// It listens, but not where the one before it did: that counts when it has no time left for more.
  void listens_elsewhere() noexcept { elsewhere_ = true; }
  /// @{
  /// It has closed its last listener; and it has another one again.
  void stopped_listening(Time now);
  void listens() noexcept { stopped_at_.reset(); }
  /// @}
  /// It has got the signal that it was told by.
  void signalled() noexcept { terminated_ = true; }
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
  /// By what it became ready.
  [[nodiscard]] const std::optional<Sign>& ready_by() const noexcept { return ready_by_; }
  /// How long it was ready; negative if it never was.
  [[nodiscard]] Time uptime(Time now) const noexcept { return ready_at_ ? now - *ready_at_ : Time(-1); }
  /// It was killed because it did not become ready in time.
  [[nodiscard]] bool late() const noexcept { return late_; }

 private:
  void leave(Time now);
  void set_kill(Time now);
  [[nodiscard]] Time last_word() const noexcept;
  [[nodiscard]] std::optional<Time> terminates_at() const noexcept;
  [[nodiscard]] std::optional<Time> leaves_at() const noexcept;
  [[nodiscard]] std::optional<Time> retires_at() const noexcept;

  LifeLimits limits_;
  Stage stage_ = Stage::starting;
  Time started_at_;
  std::optional<Time> ready_at_;
  std::optional<Sign> ready_by_;
  std::optional<Time> channel_closed_at_;
  Time left_at_{0};  // it was told, or left by itself
  std::optional<Time> kill_at_;
  std::optional<Time> stopped_at_;  // listening
  bool online_ = false;
  bool elsewhere_ = false;
  bool told_otherwise_ = false;  // than by SIGTERM
  bool terminated_ = false;
  bool late_ = false;
};

}  // namespace baton::supervisor
