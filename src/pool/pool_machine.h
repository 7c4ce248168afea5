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
/// A slot:  waiting -> starting -> alive -> (a job that it has is withdrawn) -> doomed
///             ^          |          |                                            |
///             +----------+-- died --+--------------------------------------------+
///
/// A worker may have several jobs, and is at the first. A job that has seen a worker die is suspected, and
/// has the next worker alone: what kills workers takes no other job along. While one waits for such a worker,
/// whoever has least is given nothing more.
class PoolMachine {
 public:
  struct Settings {
    std::size_t workers;
    std::size_t jobs_per_worker = 1;
    std::size_t most_waiting;  // jobs without a worker
    unsigned tries;            // so many workers may die with a job
    supervisor::RestartLimits limits;
  };

  explicit PoolMachine(const Settings& settings);

  // Events. `chance`: 0 to 1.

  /// A job for the next worker that is free; false: too many wait.
  bool add(JobId job);
  /// Nobody wants it any more. The worker that is at it is killed; one that has it behind others goes on.
  void withdraw(JobId job);
  /// A worker was started.
  void started(Slot slot, Time now);
  /// It could not be.
  void not_started(Slot slot, Time now, double chance);
  /// A job that it has is answered, whether somebody wants it or not.
  void done(Slot slot, JobId job);
  void died(Slot slot, Time now, double chance);
  /// Time has come to `next_start`.
  void due(Time now);

  // Actions, and what may be seen.

  [[nodiscard]] std::optional<Action> next_action();
  /// When a worker may be started again; nothing: none waits for that.
  [[nodiscard]] std::optional<Time> next_start() const;
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size() + suspects_.size(); }
  [[nodiscard]] std::size_t running() const noexcept { return running_.size(); }
  /// The jobs of that slot, wanted or not, in the order in which they were given.
  [[nodiscard]] const std::deque<JobId>& jobs_of(Slot slot) const { return workers_.at(slot).jobs; }
  /// Whether that job is one of them, and wanted.
  [[nodiscard]] bool has(Slot slot, JobId job) const;

 private:
  enum class Life { waiting, starting, alive, doomed };
  struct Worker {
    Life life = Life::waiting;
    Time since{0};  // of its start; while it waits, until when
    std::deque<JobId> jobs{};
    supervisor::RestartPolicy policy{};
  };

  void start(Slot slot);
  [[nodiscard]] std::optional<Slot> with_least_jobs(std::optional<Slot> except = {}) const;
  [[nodiscard]] std::optional<Slot> place() const;
  void give(Slot slot, JobId job);
  void give_jobs();
  void take_back(Worker& worker);
  void wait(Worker& worker, Time now, Time pause);

  Settings settings_;
  std::vector<Worker> workers_;
  std::deque<JobId> queue_;
  std::deque<JobId> suspects_;
  std::map<JobId, unsigned> deaths_;  // of workers that had the job: it is suspected
  std::map<JobId, Slot> running_;     // the wanted ones
  std::deque<Action> actions_;
};

}  // namespace baton::pool
