// How a supervisor machine and its workers end.
#include <algorithm>
#include <utility>

#include "supervisor/supervisor_machine.h"

namespace baton::supervisor {

void SupervisorMachine::stop(Time now) {
  if (phase_ == Phase::idle || limits_.drain_delay <= Time(0)) {
    begin_ending(EndReason::stopped, 0, now);
  } else if (phase_ == Phase::running) {
    phase_ = Phase::drain_delay;
    end_at_ = now + limits_.drain_delay;
    forget_plan();
    for (auto& [number, slot] : slots_) tell(std::exchange(slot.incoming, 0), now);
  }
  settle(now);
}

void SupervisorMachine::nobody_waits(Time now) {
  if (phase_ == Phase::last_call) end_workers(now);
  settle(now);
}

void SupervisorMachine::kill(Time now) {
  if (over_) return;
  begin_ending(EndReason::killed, 0, now);
  end_ = EndReason::killed;
  end_workers(now);
  for (const auto& [id, worker] : workers_) kill_worker(id, now);
  settle(now);
}

void SupervisorMachine::give_up(EndReason why, WorkerId because, Time now) {
  begin_ending(why, because, now);
  settle(now);
}

void SupervisorMachine::end_if_all_are_done(Time now) {
  if (slots_.empty() || !std::ranges::all_of(slots_, [](const auto& slot) { return slot.second.done; }))
    return;
  begin_ending(failed_ == 0 ? EndReason::finished : EndReason::failed, failed_, now);
}

void SupervisorMachine::begin_ending(EndReason why, WorkerId because, Time now) {
  if (phase_ == Phase::last_call || phase_ == Phase::ending) return;
  // What goes wrong while it only waits for its end changes nothing.
  const bool asked_to_stop = phase_ == Phase::drain_delay && why != EndReason::killed;
  end_ = asked_to_stop ? EndReason::stopped : why;
  end_because_ = because;
  forget_plan();
  for (auto& [number, slot] : slots_) slot.start_at.reset();
  if (end_ == EndReason::killed || ready_workers() == 0) return end_workers(now);
  phase_ = Phase::last_call;
  end_at_ = now + MachineLimits::last_call;
  act({.kind = Action::Kind::last_call});
}

void SupervisorMachine::end_workers(Time now) {
  if (phase_ == Phase::ending) return;
  phase_ = Phase::ending;
  for (auto& [number, slot] : slots_) {
    for (const WorkerId id : {std::exchange(slot.incoming, 0), std::exchange(slot.current, 0)}) {
      end_ == EndReason::killed ? kill_worker(id, now) : tell(id, now);
    }
  }
}

}  // namespace baton::supervisor
