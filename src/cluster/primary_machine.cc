#include "cluster/primary_machine.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "baton/spawn/signal_names.h"
#include "baton/wire/json.h"
#include "wire/peer_value.h"

namespace baton::cluster {
namespace {

constexpr size_t quoted = 64;     // of a bad message
constexpr size_t most_shown = 8;  // of its members

// What is quoted of a bad message: written out whole, it might be millions of times as long as it was on the
// wire.
Value outline(const Value& message) {
  Value shown = Value::object();
  for (const auto& [key, member] : message.members()) {
    if (shown.size() == most_shown) break;
    if (const std::string* text = member.get_if_string()) {
      shown.set(key.substr(0, quoted), text->substr(0, quoted));
    } else {
      shown.set(key.substr(0, quoted),
                member.kind() <= Value::Kind::number ? member : Value(name_of(member.kind())));
    }
  }
  return shown;
}

}  // namespace

PrimaryMachine::PrimaryMachine(Policy policy, PrimaryLimits limits, uint64_t seed)
    : policy_(std::move(policy)), limits_(limits), random_(seed) {}

// --- workers

void PrimaryMachine::worker_started(WorkerId worker, unsigned slot) {
  if (workers_.size() >= limits_.workers || workers_.contains(worker)) return;
  Worker& entry =
      workers_.try_emplace(worker, Worker{.allowance = Allowance(limits_.allowance)}).first->second;
  entry.id = worker;
  entry.slot = slot;
}

void PrimaryMachine::worker_is_baton(WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  found->second.baton = true;
  watch(found->second);
  for (auto& [id, listener] : listeners_) settle(listener);
}

void PrimaryMachine::offline(WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.ended) return;
  found->second.online = false;
  found->second.reports = false;
  found->second.silent_since.reset();
}

void PrimaryMachine::runs_as(WorkerId worker, uint32_t user, std::vector<Sender> speakers) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  found->second.user = user;
  found->second.speakers = std::move(speakers);
}

void PrimaryMachine::disconnect(WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.told || found->second.ended) return;
  Worker& told = found->second;
  told.told = true;
  told.agreed = true;
  say_disconnect(told);
  leave_listeners(told);
}

void PrimaryMachine::disconnect(WorkerId worker, int signal, bool always) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.told || found->second.ended) return;
  Worker& told = found->second;
  told.told = true;
  told.agreed = true;
  // Who reports and is no Baton has the module.
  if (told.reports && !told.baton) {
    send(told, wire::drain_request(signal_name(signal), always));
  } else {
    PrimaryAction& action = act(PrimaryAction::Kind::signal);
    action.worker = worker;
    action.signal = signal;
    action.on = always;
  }
  told.drains_until = now_ + limits_.drain_answer;
  leave_listeners(told);
  wake_at(*told.drains_until);
}

void PrimaryMachine::signal_settled(WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found != workers_.end() && found->second.drains_until) say_disconnect(found->second);
}

void PrimaryMachine::say_disconnect(Worker& worker) {
  worker.drains_until.reset();
  send(worker, wire::disconnect_request(seq_++));
}

void PrimaryMachine::channel_ended(WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || std::exchange(found->second.ended, true)) return;
  found->second.ended_at = now_;
  leave_listeners(found->second);
  watch(found->second);
}

void PrimaryMachine::worker_gone(WorkerId worker) {
  channel_ended(worker);
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  for (const Offer& offer : std::exchange(found->second.offers, {})) {
    const auto connection = connections_.find(offer.connection);
    if (connection != connections_.end()) give_back(offer.connection, connection->second);
  }
  workers_.erase(found);
  for (auto& [id, listener] : listeners_) {
    std::erase_if(listener.seats, [&](const Seat& seat) { return seat.worker == worker; });
    settle(listener);
  }
}

// --- what workers say

void PrimaryMachine::message(WorkerId worker, const Value& message) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  Worker& from = found->second;
  const auto parsed = wire::parse_worker_message(message, limits_.message);
  if (!parsed) return on_bad_message(from, message, parsed.error());
  switch (parsed->kind) {
    using enum wire::WorkerMessage::Kind;
    case online:
      if (std::exchange(from.online, true)) return;
      act(PrimaryAction::Kind::online).worker = worker;
      return watch(from);
    case query_server:
      return on_query(from, *parsed);
    case listening: {
      if (!std::exchange(from.listening, true)) expect_heirs(from);
      PrimaryAction& action = act(PrimaryAction::Kind::listening);
      action.worker = worker;
      action.query = parsed->query;
      action.query.data = nullptr;
      return;
    }
    case close:
      return on_close(from, *parsed->key.get_if_string());
    case exited_after_disconnect:
      from.agreed = true;
      leave_listeners(from);
      if (parsed->seq) send(from, wire::plain_reply(*parsed->seq, seq_++));
      return;
    case answers:
      return on_answers(from, *parsed);
    case load:
      return on_load(from, *parsed);
    case drains:
      return on_drains(from, parsed->signalled);
    case pong:
      if (parsed->number == from.pings) from.silent_since.reset();
      from.suspect_until.reset();
  }
}

void PrimaryMachine::on_bad_message(Worker& worker, const Value& message, const Error& error) {
  std::string begins;
  (void)wire::write_json(outline(message), begins);
  begins.resize(std::min(begins.size(), quoted));
  report(worker, Error(error.code(), "cluster", error.step() + ": " + begins));
  // Node waits for the reply as long as it lives.
  const auto seq = wire::early_member(message, "seq").get_if_integer();
  if (!worker.leaves() && wire::early_member(message, "act") == Value("queryServer") && seq && *seq >= 0) {
    send(worker, wire::failure_reply(-EINVAL, "", static_cast<uint64_t>(*seq), nullptr, seq_++));
  }
}

void PrimaryMachine::on_load(Worker& worker, const wire::WorkerMessage& message) {
  const bool first = !std::exchange(worker.reports, true);
  worker.reported = message.connections;
  worker.since_report = 0;
  worker.lag = message.lag;
  if (first) watch(worker);
}

void PrimaryMachine::on_drains(Worker& worker, bool signalled) {
  if (!worker.drains_until || !worker.reports || worker.baton) return;
  if (signalled) act(PrimaryAction::Kind::signalled).worker = worker.id;
  say_disconnect(worker);
}

// --- actions and state

void PrimaryMachine::send(const Worker& worker, Value message) {
  if (worker.ended) return;
  PrimaryAction& action = act(PrimaryAction::Kind::send);
  action.worker = worker.id;
  action.message = std::move(message);
}

PrimaryAction& PrimaryMachine::act(PrimaryAction::Kind kind) {
  return actions_.emplace_back(PrimaryAction{.kind = kind});
}

void PrimaryMachine::report(const Worker& worker, const Error& error) {
  PrimaryAction& action = act(PrimaryAction::Kind::report);
  action.worker = worker.id;
  action.error = error;
}

std::optional<PrimaryAction> PrimaryMachine::next_action() {
  if (actions_.empty()) return std::nullopt;
  std::optional<PrimaryAction> next(std::move(actions_.front()));
  actions_.pop_front();
  return next;
}

std::optional<PrimaryMachine::WorkerView> PrimaryMachine::worker(WorkerId worker) const {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return std::nullopt;
  const Worker& entry = found->second;
  WorkerView view;
  view.online = entry.online;
  view.listening = entry.listening;
  view.told_to_disconnect = entry.told;
  view.exited_after_disconnect = entry.agreed;
  view.channel_ended = entry.ended;
  view.handed = entry.handed;
  view.unanswered = entry.offers.size();
  if (entry.reports) {
    view.connections = entry.reported + entry.since_report;
    view.lag = entry.lag;
  }
  return view;
}

}  // namespace baton::cluster
