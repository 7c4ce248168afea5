#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "baton/supervisor/restart_policy.h"

namespace baton::pool {

using Time = supervisor::Time;
using JobId = std::uint64_t;
using Slot = std::size_t;

/// @{
/// What is to be done.
struct StartWorker {
  Slot slot;
};
struct GiveJob {
  Slot slot;
  JobId job;
};
struct KillWorker {
  Slot slot;
};
/// Its worker has died, and it is given to no other.
struct LoseJob {
  JobId job;
};
/// @}
using Action = std::variant<StartWorker, GiveJob, KillWorker, LoseJob>;

/// Which worker does which job, as a state machine: it has no process, no clock and no chance of its own.
///
/// A slot:  waiting -> (start) -> idle <-> busy -> (kill) -> doomed
///             ^                    |       |                  |
///             +------- died -------+-------+------------------+
class PoolMachine {
 public:
  struct Settings {
    std::size_t workers;
    std::size_t most_waiting;  // jobs without a worker
    unsigned tries;            // so many workers may die with a job
    supervisor::RestartLimits limits;
  };

  explicit PoolMachine(const Settings& settings);

  // Events. `chance`: 0 to 1.

  /// A job for the next worker that is free; false: too many wait.
  bool add(JobId job);
  /// Nobody wants it any more.
  void withdraw(JobId job);
  /// A worker was started.
  void started(Slot slot, Time now);
  /// It could not be.
  void not_started(Slot slot, Time now, double chance);
  /// Its job has an answer.
  void done(Slot slot);
  void died(Slot slot, Time now, double chance);
  /// Time has come to `next_start`.
  void due(Time now);

  // Actions, and what may be seen.

  [[nodiscard]] std::optional<Action> next_action();
  /// When a worker may be started again; nothing: none waits for that.
  [[nodiscard]] std::optional<Time> next_start() const;
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size(); }
  [[nodiscard]] std::size_t running() const noexcept { return running_.size(); }
  /// The job of that slot, if it has one that somebody wants.
  [[nodiscard]] std::optional<JobId> job_of(Slot slot) const { return workers_.at(slot).job; }

 private:
  enum class Life { waiting, starting, idle, busy, doomed };
  struct Worker {
    Life life = Life::waiting;
    Time since{0};  // of its start; while it waits, until when
    std::optional<JobId> job{};
    supervisor::RestartPolicy policy{};
  };

  void start(Slot slot);
  void give_jobs();
  void wait(Worker& worker, Time now, Time pause);

  Settings settings_;
  std::vector<Worker> workers_;
  std::deque<JobId> queue_;
  std::map<JobId, unsigned> deaths_;  // of the workers of a job
  std::map<JobId, Slot> running_;
  std::deque<Action> actions_;
};

}  // namespace baton::pool
