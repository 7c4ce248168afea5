#include "supervisor/supervisor_machine.h"

#include <algorithm>
#include <utility>

namespace baton::supervisor {

using Do = WorkerLife::Do;
using Stage = WorkerLife::Stage;

SupervisorMachine::SupervisorMachine(const MachineLimits& limits, std::function<double()> chance)
    : limits_(limits), chance_(std::move(chance)), wanted_(limits.workers) {}

// --- events

void SupervisorMachine::start(Time now) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::running;
  for (unsigned number = 1; number <= wanted_; ++number) slots_[number].start_at = now;
  settle(now);
}

void SupervisorMachine::start_failed(WorkerId id, Time now, bool scarce) {
  Worker* worker = find(id);
  if (worker == nullptr) return;
  worker->scarce = scarce;
  // What was already decided about it.
  std::erase_if(actions_, [id](const Action& one) { return one.id == id; });
  report_end(id, true, now);
  workers_.erase(id);
  settle(now);
}

void SupervisorMachine::online(WorkerId id) {
  if (Worker* worker = find(id)) worker->life.online();
}

void SupervisorMachine::signalled(WorkerId id) {
  if (Worker* worker = find(id)) worker->life.signalled();
}

void SupervisorMachine::channel_closed(WorkerId id, Time now) {
  if (Worker* worker = find(id)) worker->life.channel_closed(now);
}

void SupervisorMachine::exited(WorkerId id, Time now, bool failed) {
  Worker* worker = find(id);
  if (worker == nullptr || worker->life.stage() == Stage::leftovers) return;
  worker->failed = failed;
  report_end(id, false, now);
  const Do what = worker->life.exited(now);
  // Its successor is not to wait for a look at what it left.
  const unsigned slot = worker->slot;
  settle(now);
  carry_out(id, what, false, now);
  bound_leftovers(slot, now);
}

// Each costs descriptors until its tree has ended, and may take as long as a worker that leaves.
void SupervisorMachine::bound_leftovers(unsigned slot, Time now) {
  const auto is_left = [&](const auto& one) {
    return one.second.slot == slot && one.second.life.stage() == Stage::leftovers;
  };
  if (std::ranges::count_if(workers_, is_left) <= std::ptrdiff_t{MachineLimits::leftovers}) return;
  kill_worker(std::ranges::find_if(workers_, is_left)->first, now);
}

void SupervisorMachine::gone(WorkerId id, Time now) {
  const Worker* worker = find(id);
  if (worker == nullptr || worker->life.stage() != Stage::leftovers) return;
  workers_.erase(id);
  settle(now);
}

void SupervisorMachine::reload(Time now) {
  if (phase_ != Phase::running) return;
  plan_.ask_reload();
  settle(now);
}

void SupervisorMachine::scale(int by, Time now) {
  if (phase_ != Phase::running) return;
  plan_.ask_scale(by);
  settle(now);
}

void SupervisorMachine::scale_to(unsigned workers, Time now) {
  if (phase_ != Phase::running) return;
  plan_.ask_scale_to(workers);
  settle(now);
}

void SupervisorMachine::replace(WorkerId id, Time now) {
  const Worker* worker = find(id);
  if (phase_ != Phase::running || worker == nullptr || !has_a_place(id)) return;
  plan_.ask_replacement(worker->slot);
  settle(now);
}

void SupervisorMachine::tick(Time now) {
  for (auto& [id, worker] : workers_) carry_out(id, worker.life.tick(now), false, now);
  if (trial_end_ && *trial_end_ <= now) {
    // One that leaves by itself has failed.
    is_ready(awaited_) ? take_over(awaited_, now) : lose(awaited_, false, now);
  }
  if (phase_ == Phase::drain_delay && *end_at_ <= now) begin_ending(EndReason::stopped, 0, now);
  if (phase_ == Phase::last_call && *end_at_ <= now) end_workers(now);
  settle(now);
}

std::optional<Action> SupervisorMachine::next_action() {
  if (actions_.empty()) return std::nullopt;
  const Action action = actions_.front();
  actions_.pop_front();
  return action;
}

// --- what follows from where it stands

void SupervisorMachine::settle(Time now) {
  if (serving()) {
    advance_plan(now);
    start_due_slots(now);
    note_all_ready();
    end_if_all_are_done(now);
  }
  if (phase_ == Phase::last_call && workers_.empty()) end_workers(now);
  if (phase_ == Phase::ending && workers_.empty() && !over_) {
    over_ = true;
    act({.kind = Action::Kind::over, .end = end_});
  }
}

void SupervisorMachine::start_due_slots(Time now) {
  for (auto& [number, slot] : slots_) {
    if (slot.current != 0 || !slot.start_at || *slot.start_at > now) continue;
    if (leaving_of(number) >= MachineLimits::leaving) continue;
    slot.start_at.reset();
    slot.current = begin_worker(number, slot.starts == 0 ? Action::Why::first : Action::Why::death, now);
  }
}

void SupervisorMachine::advance_plan(Time now) {
  for (;;) {
    if (plan_.running() && !advance_reload(now)) return;
    switch (plan_.next()) {
      case ReloadPlan::Next::nothing:
        return;
      case ReloadPlan::Next::scale:
        apply_scale(plan_.take_scale(), now);
        break;
      case ReloadPlan::Next::reload: {
        std::deque<unsigned> all;
        for (const auto& [number, slot] : slots_) all.push_back(number);
        plan_.begin_reload(std::move(all));
        tried_ = false;
        act({.kind = Action::Kind::reload_started});
        break;
      }
      case ReloadPlan::Next::replacement:
        plan_.begin_replacement();
        break;
    }
  }
}

// True when it is done.
bool SupervisorMachine::advance_reload(Time now) {
  if (awaited_ != 0) return false;
  const bool whole = plan_.reloading();
  while (const auto number = plan_.slot()) {
    const auto found = slots_.find(*number);
    if (found == slots_.end() || found->second.done) {
      plan_.slot_done();
      continue;
    }
    Slot& slot = found->second;
    const bool alone = stops_first(slot);
    if (alone) {
      slot.start_at.reset();
      tell(std::exchange(slot.current, 0), now);
    }
    // So that reload upon reload does not fill the machine with workers that drain. A slot without a worker
    // is waited for no longer than it would wait by itself: its workers may leave one after another without
    // ending, and would hold up everything else for ever.
    const unsigned leaving = slot.current == 0 ? MachineLimits::leaving : 1;
    if (leaving_of(*number) >= leaving || (alone && anything_left_of(*number))) return false;
    slot.start_at.reset();
    awaited_ = begin_worker(*number, whole ? Action::Why::reload : Action::Why::replacement, now);
    (slot.current == 0 ? slot.current : slot.incoming) = awaited_;
    return false;
  }
  plan_.end();
  if (whole) act({.kind = Action::Kind::reload_done});
  return true;
}

void SupervisorMachine::apply_scale(const ScaleRequest& request, Time now) {
  const unsigned before = std::exchange(wanted_, request.apply(wanted_));
  for (unsigned number = before + 1; number <= wanted_; ++number) slots_[number].start_at = now;
  while (!slots_.empty() && slots_.rbegin()->first > wanted_) {
    const Slot& last = slots_.rbegin()->second;
    tell(last.incoming, now);
    tell(last.current, now);
    slots_.erase(std::prev(slots_.end()));
  }
  if (wanted_ != before) act({.kind = Action::Kind::scaled, .count = wanted_});
}

// --- workers

WorkerId SupervisorMachine::begin_worker(unsigned slot, Action::Why why, Time now) {
  const WorkerId id = ++last_id_;
  Slot& place = slots_[slot];
  LifeLimits life = limits_.life;
  if (limits_.ready == Ready::any && !alive_counts(place)) life.ready_when_alive.reset();
  workers_.emplace(id, Worker{WorkerLife(life, now), slot});
  ++place.starts;
  act({.kind = Action::Kind::start, .id = id, .slot = slot, .why = why});
  return id;
}

void SupervisorMachine::report_end(WorkerId id, bool start_failed, Time now) {
  const Worker& worker = workers_.at(id);
  Action ended{.kind = Action::Kind::ended, .id = id, .slot = worker.slot, .late = worker.life.late()};
  const bool had_a_place = has_a_place(id);
  const size_t before = actions_.size();
  lose(id, start_failed, now);
  const auto slot = slots_.find(worker.slot);
  if (had_a_place && slot != slots_.end() && slot->second.start_at) ended.wait = *slot->second.start_at - now;
  // What follows from its end comes after it.
  actions_.insert(actions_.begin() + static_cast<std::ptrdiff_t>(before), ended);
}

// Its slot has to do without it.
void SupervisorMachine::lose(WorkerId id, bool start_failed, Time now) {
  const auto found = slots_.find(workers_.at(id).slot);
  if (found != slots_.end()) {
    Slot& slot = found->second;
    if (slot.incoming == id) slot.incoming = 0;
    if (slot.current == id) lose_current(slot, id, start_failed, now);
  }
  if (awaited_ == id) fail_reload(id);
}

void SupervisorMachine::lose_current(Slot& slot, WorkerId id, bool start_failed, Time now) {
  slot.current = 0;
  if (!serving()) return;
  const Worker& worker = workers_.at(id);
  const WorkerLife& life = worker.life;
  // The next one may listen elsewhere.
  if (life.late() && slot.best == Sign::own_port) slot.best = Sign::alive;
  if (!is_restarted(worker, start_failed)) {
    slot.current = std::exchange(slot.incoming, 0);
    slot.done = slot.current == 0;
    if (slot.done && worker.failed) failed_ = id;
    return;
  }
  if (!any_ready_) {
    ++slot.failed_starts;
    const bool all_tried = std::ranges::all_of(slots_, [](const auto& one) {
      return one.second.done || one.second.failed_starts >= MachineLimits::tries;
    });
    if (all_tried) {
      begin_ending(EndReason::never_ready, id, now);
      return;
    }
  }
  Time wait(0);
  if (worker.scarce && any_ready_) {
    // Whoever has taken it all shall not end the service by that.
    wait = slot.restart.not_started(limits_.restart, chance_());
  } else if (start_failed || RestartPolicy::unstable(limits_.restart, life.uptime(now))) {
    wait = slot.restart.died_unstable(limits_.restart, now, chance_());
    if (any_ready_ && slot.restart.hopeless(limits_.restart)) {
      begin_ending(EndReason::gave_up, id, now);
      return;
    }
  } else {
    slot.restart.died_stable();
  }
  if (slot.incoming != 0) {
    slot.current = std::exchange(slot.incoming, 0);
  } else {
    slot.start_at = now + wait;
  }
}

// A start that failed was no end of its own.
bool SupervisorMachine::is_restarted(const Worker& worker, bool start_failed) const {
  if (start_failed || limits_.restarts == Restart::always) return true;
  return limits_.restarts == Restart::on_failure && worker.failed;
}

void SupervisorMachine::forget_plan() {
  plan_.clear();
  awaited_ = 0;
  trial_end_.reset();
}

void SupervisorMachine::fail_reload(WorkerId id) {
  awaited_ = 0;
  trial_end_.reset();
  const auto why = plan_.reloading() ? Action::Why::reload : Action::Why::replacement;
  plan_.end();
  const Worker& worker = workers_.at(id);
  act({.kind = Action::Kind::reload_failed,
       .id = id,
       .slot = worker.slot,
       .why = why,
       .late = worker.life.late()});
}

void SupervisorMachine::tell(WorkerId id, Time now) {
  if (Worker* worker = find(id)) carry_out(id, worker->life.tell(now), true, now);
}

void SupervisorMachine::kill_worker(WorkerId id, Time now) {
  if (Worker* worker = find(id)) carry_out(id, worker->life.kill(now), false, now);
}

void SupervisorMachine::carry_out(WorkerId id, Do what, bool told, Time now) {
  const unsigned slot = workers_.at(id).slot;
  switch (what) {
    case Do::nothing:
      break;
    case Do::become_ready:
      became_ready(id, now);
      break;
    case Do::leave:
      // Whether it has a successor is known when it has ended.
      if (limits_.restarts == Restart::always) lose(id, false, now);
      break;
    case Do::retire:
      act({.kind = Action::Kind::retires, .id = id, .slot = slot});
      if (limits_.restarts == Restart::always) lose(id, false, now);
      tell(id, now);
      break;
    case Do::tell:
      act({.kind = Action::Kind::tell, .id = id, .slot = slot, .told = true});
      break;
    case Do::terminate:
      act({.kind = Action::Kind::terminate, .id = id, .slot = slot, .told = told});
      break;
    case Do::kill_tree:
      act({.kind = Action::Kind::kill_tree, .id = id, .slot = slot});
      break;
    case Do::sweep:
      act({.kind = Action::Kind::sweep, .id = id, .slot = slot});
      break;
  }
}

// --- state

SupervisorMachine::Worker* SupervisorMachine::find(WorkerId id) {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : &found->second;
}

bool SupervisorMachine::is_ready(WorkerId id) const {
  const auto found = workers_.find(id);
  return found != workers_.end() && found->second.life.stage() == Stage::ready;
}

bool SupervisorMachine::has_a_place(WorkerId id) const {
  const auto slot = slots_.find(workers_.at(id).slot);
  return slot != slots_.end() && (slot->second.current == id || slot->second.incoming == id);
}

unsigned SupervisorMachine::leaving_of(unsigned slot) const {
  return static_cast<unsigned>(std::ranges::count_if(workers_, [&](const auto& one) {
    return one.second.slot == slot && one.second.life.stage() != Stage::leftovers && !has_a_place(one.first);
  }));
}

bool SupervisorMachine::stops_first(const Slot& slot) const {
  return limits_.reload == Reload::stop_first || (limits_.reload == Reload::automatic && slot.holds_port);
}

bool SupervisorMachine::anything_left_of(unsigned slot) const {
  return std::ranges::any_of(workers_, [&](const auto& one) { return one.second.slot == slot; });
}

std::optional<Time> SupervisorMachine::due() const {
  std::optional<Time> first;
  const auto consider = [&first](const std::optional<Time>& moment) {
    if (moment && (!first || *moment < *first)) first = moment;
  };
  for (const auto& [id, worker] : workers_) consider(worker.life.due());
  consider(trial_end_);
  if (phase_ == Phase::drain_delay || phase_ == Phase::last_call) consider(end_at_);
  for (const auto& [number, slot] : slots_) {
    // Who waits for another to leave is started by that event.
    if (slot.current == 0 && leaving_of(number) < MachineLimits::leaving) consider(slot.start_at);
  }
  return first;
}

State SupervisorMachine::state() const noexcept {
  if (phase_ == Phase::drain_delay || phase_ == Phase::last_call || phase_ == Phase::ending) {
    return State::draining;
  }
  if (plan_.reloading()) return State::reloading;
  return all_ready_ ? State::running : State::starting;
}

std::vector<SupervisorMachine::WorkerInfo> SupervisorMachine::workers() const {
  std::vector<WorkerInfo> all;
  const auto restarts = [this](unsigned number) -> uint64_t {
    const auto slot = slots_.find(number);
    return slot == slots_.end() || slot->second.starts == 0 ? 0 : slot->second.starts - 1;
  };
  for (const auto& [id, worker] : workers_) {
    const Stage stage = worker.life.stage();
    if (stage == Stage::leftovers) continue;
    WorkerInfo info{id, worker.slot, WorkerState::draining, std::nullopt, restarts(worker.slot)};
    if (stage == Stage::starting) info.state = WorkerState::starting;
    if (stage == Stage::ready) info.state = WorkerState::ready;
    if (const auto& ready = worker.life.ready_at()) info.ready_after = *ready - worker.life.started_at();
    all.push_back(info);
  }
  if (serving()) {
    for (const auto& [number, slot] : slots_) {
      if (slot.current != 0) continue;
      const WorkerState state = slot.done ? WorkerState::done : WorkerState::backoff;
      all.push_back({0, number, state, std::nullopt, restarts(number)});
    }
  }
  std::ranges::stable_sort(all, {}, &WorkerInfo::slot);
  return all;
}

unsigned SupervisorMachine::ready_workers() const {
  return static_cast<unsigned>(
      std::ranges::count_if(workers_, [this](const auto& one) { return is_ready(one.first); }));
}

}  // namespace baton::supervisor
