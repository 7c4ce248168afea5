// By what a supervisor machine knows that its workers are ready.
#include <algorithm>

#include "supervisor/supervisor_machine.h"

namespace baton::supervisor {

void SupervisorMachine::ready(WorkerId id, Sign sign, Time now) {
  Worker* worker = find(id);
  if (worker == nullptr || !counts(sign)) return;
  // Also one that was believed to be ready because it was alive.
  if (worker->life.stage() == WorkerLife::Stage::starting ||
      worker->life.stage() == WorkerLife::Stage::ready) {
    note_sign(worker->slot, sign);
  }
  carry_out(id, worker->life.ready(sign, now), false, now);
  settle(now);
}

void SupervisorMachine::listens_elsewhere(WorkerId id, Time now) {
  Worker* worker = find(id);
  if (worker == nullptr || !counts(Sign::listening)) return;
  // Nothing else would ever come of it.
  if (limits_.life.listen_timeout <= Time(0)) return ready(id, Sign::listening, now);
  worker->life.listens_elsewhere();
}

void SupervisorMachine::listens(WorkerId id) {
  if (Worker* worker = find(id)) worker->life.listens();
}

void SupervisorMachine::stopped_listening(WorkerId id, Time now) {
  if (Worker* worker = find(id)) worker->life.stopped_listening(now);
}

void SupervisorMachine::holds_port(WorkerId id, bool lasting) {
  const Worker* worker = find(id);
  const auto slot = worker == nullptr ? slots_.end() : slots_.find(worker->slot);
  if (slot == slots_.end() || slot->second.current != id) return;
  slot->second.holds_port = true;
  if (lasting && slot->second.best.value_or(Sign::alive) == Sign::alive) slot->second.best = Sign::own_port;
}

void SupervisorMachine::became_ready(WorkerId id, Time now) {
  const Worker& worker = workers_.at(id);
  act({.kind = Action::Kind::ready, .id = id, .slot = worker.slot, .sign = *worker.life.ready_by()});
  note_sign(worker.slot, *worker.life.ready_by());
  if (!std::exchange(any_ready_, true)) {
    for (auto& [number, slot] : slots_) slot.restart.forget_deaths();
  }
  if (awaited_ == id && is_to_be_tried(worker)) {
    trial_end_ = now + limits_.trial;
  } else {
    take_over(id, now);
  }
}

// Who was ready by being alive was tried so.
bool SupervisorMachine::is_to_be_tried(const Worker& worker) {
  return limits_.trial > Time(0) && plan_.reloading() && !std::exchange(tried_, true) &&
         worker.life.ready_by() != Sign::alive;
}

void SupervisorMachine::take_over(WorkerId id, Time now) {
  const auto found = slots_.find(workers_.at(id).slot);
  if (found != slots_.end() && found->second.incoming == id) {
    const WorkerId old = std::exchange(found->second.current, id);
    found->second.incoming = 0;
    tell(old, now);
  }
  if (awaited_ == id) {
    awaited_ = 0;
    trial_end_.reset();
    plan_.slot_done();
  }
}

void SupervisorMachine::note_all_ready() {
  if (all_ready_) return;
  const auto ready = [this](const auto& slot) { return is_ready(slot.second.current); };
  const auto settled = [&](const auto& slot) { return slot.second.done || ready(slot); };
  all_ready_ = std::ranges::any_of(slots_, ready) && std::ranges::all_of(slots_, settled);
  if (all_ready_) act({.kind = Action::Kind::all_ready});
}

bool SupervisorMachine::counts(Sign sign) const {
  switch (limits_.ready) {
    case Ready::any:
      return true;
    case Ready::notify:
      return sign == Sign::notify;
    case Ready::listening:
      return sign == Sign::listening;
    case Ready::message:
      return sign == Sign::message;
    case Ready::probe:
      return sign == Sign::probe;
    case Ready::alive:
      break;
  }
  return false;
}

// Where the programs of the slots do different things, each is measured by its own; a new one by what most
// others have shown, as one of them alone is not to keep its siblings from being ready.
bool SupervisorMachine::alive_counts(const Slot& slot) const {
  if (slot.best) return *slot.best == Sign::alive;
  const auto better = static_cast<std::size_t>(std::ranges::count_if(
      slots_, [](const auto& one) { return one.second.best && *one.second.best < Sign::own_port; }));
  return 2 * better <= slots_.size() - 1;
}

void SupervisorMachine::note_sign(unsigned slot, Sign sign) {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) return;
  std::optional<Sign>& best = found->second.best;
  if (!best || *best == Sign::alive || sign < Sign::own_port) best = sign;
}

bool SupervisorMachine::awaits_port(WorkerId id) const {
  const auto worker = workers_.find(id);
  if (worker == workers_.end() || worker->second.life.stage() != WorkerLife::Stage::starting) return false;
  const auto slot = slots_.find(worker->second.slot);
  return slot != slots_.end() && limits_.ready == Ready::any && slot->second.best == Sign::own_port;
}

}  // namespace baton::supervisor
