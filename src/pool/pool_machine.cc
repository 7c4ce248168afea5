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
  const bool free = std::ranges::any_of(workers_, [](const Worker& each) { return each.life == Life::idle; });
  if (!free && queue_.size() >= settings_.most_waiting) return false;
  queue_.push_back(job);
  give_jobs();
  return true;
}

void PoolMachine::withdraw(JobId job) {
  deaths_.erase(job);
  if (const auto running = running_.find(job); running != running_.end()) {
    Worker& worker = workers_[running->second];
    worker.job.reset();
    worker.life = Life::doomed;
    actions_.emplace_back(KillWorker{running->second});
    running_.erase(running);
    return;
  }
  std::erase(queue_, job);
}

void PoolMachine::started(Slot slot, Time now) {
  workers_[slot].life = Life::idle;
  workers_[slot].since = now;
  give_jobs();
}

void PoolMachine::not_started(Slot slot, Time now, double chance) {
  wait(workers_[slot], now, workers_[slot].policy.not_started(settings_.limits, chance));
}

void PoolMachine::done(Slot slot) {
  Worker& worker = workers_[slot];
  if (worker.life != Life::busy) return;
  deaths_.erase(*worker.job);
  running_.erase(*std::exchange(worker.job, std::nullopt));
  worker.life = Life::idle;
  give_jobs();
}

void PoolMachine::died(Slot slot, Time now, double chance) {
  Worker& worker = workers_[slot];
  const Life life = worker.life;
  if (worker.job) {
    const JobId job = *std::exchange(worker.job, std::nullopt);
    running_.erase(job);
    if (++deaths_[job] < settings_.tries) {
      // It has waited longest.
      queue_.push_front(job);
    } else {
      deaths_.erase(job);
      actions_.emplace_back(LoseJob{job});
    }
  }
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

void PoolMachine::give_jobs() {
  for (Slot slot = 0; slot < workers_.size() && !queue_.empty(); ++slot) {
    Worker& worker = workers_[slot];
    if (worker.life != Life::idle) continue;
    worker.life = Life::busy;
    worker.job = queue_.front();
    queue_.pop_front();
    running_.emplace(*worker.job, slot);
    actions_.emplace_back(GiveJob{slot, *worker.job});
  }
}

std::optional<Action> PoolMachine::next_action() {
  if (actions_.empty()) return std::nullopt;
  Action action = actions_.front();
  actions_.pop_front();
  return action;
}

}  // namespace baton::pool
