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
  if (!worker_for(job) && queue_.size() >= settings_.most_waiting) return false;
  queue_.push_back(job);
  give_jobs();
  return true;
}

void PoolMachine::withdraw(JobId job) {
  deaths_.erase(job);
  if (const auto running = running_.find(job); running != running_.end()) {
    Worker& worker = workers_[running->second];
    std::erase(worker.jobs, job);
    if (std::exchange(worker.life, Life::doomed) == Life::alive) {
      actions_.emplace_back(KillWorker{running->second});
    }
    running_.erase(running);
    return;
  }
  std::erase(queue_, job);
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
  if (!has(slot, job)) return;
  std::erase(workers_[slot].jobs, job);
  deaths_.erase(job);
  running_.erase(job);
  give_jobs();
}

void PoolMachine::take_back(Worker& worker) {
  std::vector<JobId> again;
  for (const JobId job : std::exchange(worker.jobs, {})) {
    running_.erase(job);
    // A death that we wanted says nothing of the jobs that were there.
    if (worker.life == Life::doomed || ++deaths_[job] < settings_.tries) {
      again.push_back(job);
    } else {
      deaths_.erase(job);
      actions_.emplace_back(LoseJob{job});
    }
  }
  // They have waited longest.
  queue_.insert(queue_.begin(), again.begin(), again.end());
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

bool PoolMachine::takes(const Worker& worker, bool suspect) const {
  if (worker.life != Life::alive || worker.jobs.size() >= settings_.jobs_per_worker) return false;
  return worker.jobs.empty() || (!suspect && !deaths_.contains(worker.jobs.front()));
}

// Whoever has least.
std::optional<Slot> PoolMachine::worker_for(JobId job) const {
  const bool suspect = deaths_.contains(job);
  std::optional<Slot> least;
  for (Slot slot = 0; slot < workers_.size(); ++slot) {
    const Worker& worker = workers_[slot];
    if (!takes(worker, suspect)) continue;
    if (!least || worker.jobs.size() < workers_[*least].jobs.size()) least = slot;
  }
  return least;
}

void PoolMachine::give_jobs() {
  while (!queue_.empty()) {
    const JobId job = queue_.front();
    const auto slot = worker_for(job);
    if (!slot) return;
    queue_.pop_front();
    workers_[*slot].jobs.push_back(job);
    running_.emplace(job, *slot);
    actions_.emplace_back(GiveJob{*slot, job});
  }
}

std::optional<Action> PoolMachine::next_action() {
  if (actions_.empty()) return std::nullopt;
  Action action = actions_.front();
  actions_.pop_front();
  return action;
}

}  // namespace baton::pool
