#include "pool/pool_machine.h"

#include <algorithm>
#include <utility>

namespace baton::pool {

PoolMachine::PoolMachine(const Settings& settings) : settings_(settings), workers_(settings.workers) {
  for (Slot slot = 0; slot < workers_.size(); ++slot) start(slot);
}

void PoolMachine::start(Slot slot) {
  workers_[slot].life = Life::starting;
  actions_.emplace_back(StartWorker{slot});
}

bool PoolMachine::add(JobId job) {
  const bool at_once = queue_.empty() && place();
  if (!at_once && waiting() >= settings_.most_waiting) return false;
  queue_.push_back(job);
  give_jobs();
  return true;
}

void PoolMachine::withdraw(JobId job) {
  deaths_.erase(job);
  if (const auto running = running_.find(job); running != running_.end()) {
    const Slot slot = running->second;
    running_.erase(running);
    Worker& worker = workers_[slot];
    if (worker.life != Life::alive || running_.contains(worker.jobs.front())) return;
    worker.life = Life::doomed;
    actions_.emplace_back(KillWorker{slot});
    return;
  }
  std::erase(queue_, job);
  std::erase(suspects_, job);
  give_jobs();
}

void PoolMachine::started(Slot slot, Time now) {
  workers_[slot].life = Life::alive;
  workers_[slot].since = now;
  give_jobs();
}

void PoolMachine::not_started(Slot slot, Time now, double chance) {
  wait(workers_[slot], now, workers_[slot].policy.not_started(settings_.limits, chance));
}

bool PoolMachine::has(Slot slot, JobId job) const {
  const auto running = running_.find(job);
  return running != running_.end() && running->second == slot;
}

void PoolMachine::done(Slot slot, JobId job) {
  if (std::erase(workers_[slot].jobs, job) == 0) return;
  deaths_.erase(job);
  running_.erase(job);
  give_jobs();
}

void PoolMachine::take_back(Worker& worker) {
  std::vector<JobId> unsuspected;
  for (const JobId job : std::exchange(worker.jobs, {})) {
    if (running_.erase(job) == 0) continue;
    // A death that we wanted says nothing of the jobs that were there; but one of them may have been begun.
    const bool doomed = worker.life == Life::doomed;
    if (doomed ? settings_.tries == 1 : ++deaths_[job] >= settings_.tries) {
      deaths_.erase(job);
      actions_.emplace_back(LoseJob{job});
    } else if (deaths_.contains(job)) {
      suspects_.push_back(job);
    } else {
      unsuspected.push_back(job);
    }
  }
  // They have waited longest.
  queue_.insert(queue_.begin(), unsuspected.begin(), unsuspected.end());
}

void PoolMachine::died(Slot slot, Time now, double chance) {
  Worker& worker = workers_[slot];
  const Life life = worker.life;
  take_back(worker);
  // Who was killed for a job that nobody wanted has done nothing wrong.
  const bool unstable =
      life != Life::doomed && supervisor::RestartPolicy::unstable(settings_.limits, now - worker.since);
  if (!unstable) worker.policy.died_stable();
  wait(worker, now, unstable ? worker.policy.died_unstable(settings_.limits, now, chance) : Time(0));
  due(now);
  give_jobs();
}

void PoolMachine::wait(Worker& worker, Time now, Time pause) {
  worker.life = Life::waiting;
  worker.since = now + pause;
}

void PoolMachine::due(Time now) {
  for (Slot slot = 0; slot < workers_.size(); ++slot) {
    if (workers_[slot].life == Life::waiting && workers_[slot].since <= now) start(slot);
  }
}

std::optional<Time> PoolMachine::next_start() const {
  std::optional<Time> next;
  for (const Worker& worker : workers_) {
    if (worker.life == Life::waiting && (!next || worker.since < *next)) next = worker.since;
  }
  return next;
}

std::optional<Slot> PoolMachine::with_least_jobs(std::optional<Slot> except) const {
  std::optional<Slot> least;
  for (Slot slot = 0; slot < workers_.size(); ++slot) {
    const Worker& worker = workers_[slot];
    // A suspect is alone.
    const bool alone = !worker.jobs.empty() && deaths_.contains(worker.jobs.front());
    if (worker.life != Life::alive || alone || slot == except) continue;
    if (!least || worker.jobs.size() < workers_[*least].jobs.size()) least = slot;
  }
  return least;
}

// For a job that is not suspected.
std::optional<Slot> PoolMachine::place() const {
  const auto kept_free = suspects_.empty() ? std::nullopt : with_least_jobs();
  const auto slot = with_least_jobs(kept_free);
  return slot && workers_[*slot].jobs.size() < settings_.jobs_per_worker ? slot : std::nullopt;
}

void PoolMachine::give(Slot slot, JobId job) {
  workers_[slot].jobs.push_back(job);
  running_.emplace(job, slot);
  actions_.emplace_back(GiveJob{slot, job});
}

void PoolMachine::give_jobs() {
  while (!suspects_.empty()) {
    const auto slot = with_least_jobs();
    if (!slot || !workers_[*slot].jobs.empty()) break;
    give(*slot, suspects_.front());
    suspects_.pop_front();
  }
  while (!queue_.empty()) {
    const auto slot = place();
    if (!slot) return;
    give(*slot, queue_.front());
    queue_.pop_front();
  }
}

std::optional<Action> PoolMachine::next_action() {
  if (actions_.empty()) return std::nullopt;
  Action action = actions_.front();
  actions_.pop_front();
  return action;
}

}  // namespace baton::pool
