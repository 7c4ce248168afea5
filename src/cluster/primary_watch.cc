// What time alone does: rests end, listeners close, workers that do not answer are killed.
#include <algorithm>
#include <csignal>
#include <utility>

#include "cluster/primary_machine.h"

namespace baton::cluster {
namespace {

// What a worker has sent may lie unread when its time is up: the loop reads once more.
constexpr Milliseconds last_look = 20;

}  // namespace

void PrimaryMachine::wake_at(Milliseconds when) { deadline_ = std::min(deadline_.value_or(when), when); }

std::optional<Milliseconds> PrimaryMachine::next_deadline() const { return deadline_; }

void PrimaryMachine::time(Milliseconds now) {
  if (now < now_) return;
  const Milliseconds before = std::exchange(now_, now);
  if (limits_.hang_timeout > 0 && now - before > limits_.hang_timeout / 2 + last_look) slept();
  if (!deadline_ || *deadline_ > now) return;
  deadline_.reset();
  for (auto entry = listeners_.begin(); entry != listeners_.end();) {
    ListenerState& listener = (entry++)->second;
    if (listener.close_at && *listener.close_at <= now) {
      close_listener(listener);
      continue;
    }
    if (listener.close_at) wake_at(*listener.close_at);
    settle(listener);
  }
  for (auto& [id, worker] : workers_) {
    open_at_last(worker);
    watch(worker);
  }
}

// This process itself was stopped, or starved: nobody else is to blame for the time that passed.
void PrimaryMachine::slept() {
  for (auto& [id, worker] : workers_) excuse(worker);
  for (auto& [id, listener] : listeners_) {
    for (Seat& seat : listener.seats) std::ranges::fill(seat.offered, now_);
  }
}

void PrimaryMachine::excuse(Worker& worker) {
  if (worker.silent_since) worker.silent_since = now_;
  worker.suspect_until.reset();
  for (Offer& offer : worker.offers) offer.since = now_;
}

void PrimaryMachine::unheard(WorkerId id, bool on) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || std::exchange(found->second.unheard, on) == on) return;
  excuse(found->second);
  watch(found->second);
}

void PrimaryMachine::watch(Worker& worker) {
  if (worker.ended) return watch_orphan(worker);
  if (worker.drains_until) {
    if (*worker.drains_until > now_) {
      wake_at(*worker.drains_until);
    } else {
      say_disconnect(worker);
    }
  }
  if (limits_.hang_timeout > 0 && !worker.killed && !worker.unheard) watch_hang(worker);
}

void PrimaryMachine::watch_orphan(Worker& worker) {
  if (worker.offers.empty() || worker.killed) return;
  if (now_ >= worker.ended_at + limits_.orphan_kill) {
    return kill(worker, SIGKILL, "its channel is closed and it may hold connections");
  }
  if (now_ >= worker.ended_at + limits_.orphan_term && !std::exchange(worker.terminated, true)) {
    kill(worker, SIGTERM, "its channel is closed and it may hold connections");
  }
  wake_at(worker.ended_at + (worker.terminated ? limits_.orphan_kill : limits_.orphan_term));
}

Milliseconds PrimaryMachine::heartbeat() const { return std::max<Milliseconds>(limits_.hang_timeout / 3, 1); }

void PrimaryMachine::watch_hang(Worker& worker) {
  const Milliseconds pause = heartbeat();
  if (worker.online && (worker.baton || worker.reports) && now_ >= worker.next_ping) {
    worker.next_ping = now_ + pause;
    if (!worker.silent_since) {
      worker.silent_since = now_;
      send(worker, wire::ping(++worker.pings));
    }
  }
  if (worker.next_ping > now_) wake_at(worker.next_ping);
  std::optional<Milliseconds> since = worker.silent_since;
  if (!worker.offers.empty()) since = std::min(since.value_or(now_), worker.offers.front().since);
  if (!since) return;
  // While something is waited for, time passes in steps: a long one shows that this process slept.
  if (*since + limits_.hang_timeout > now_)
    return wake_at(std::min(*since + limits_.hang_timeout, now_ + pause));
  if (!worker.suspect_until) worker.suspect_until = now_ + last_look;
  if (*worker.suspect_until > now_) return wake_at(*worker.suspect_until);
  kill(worker, SIGKILL, "it has not answered for " + std::to_string(limits_.hang_timeout) + " ms");
}

void PrimaryMachine::kill(Worker& worker, int signal, std::string_view why) {
  PrimaryAction& action = act(PrimaryAction::Kind::kill);
  action.worker = worker.id;
  action.signal = signal;
  action.text = why;
  if (signal != SIGKILL) return;
  worker.killed = true;
  leave_listeners(worker);
}

}  // namespace baton::cluster
