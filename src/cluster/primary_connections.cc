// Who owns which connection: the ledger, and to whom the next one goes.
#include <algorithm>
#include <utility>

#include "cluster/primary_machine.h"

namespace baton::cluster {
namespace {

constexpr size_t remembered_refusals = 128;

uint64_t next_random(uint64_t& state) {  // splitmix64
  uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace

// --- seats

PrimaryMachine::Seat* PrimaryMachine::seat_of(ListenerState& listener, WorkerId worker) {
  const auto seat = std::ranges::lower_bound(listener.seats, worker, {}, &Seat::worker);
  return seat != listener.seats.end() && seat->worker == worker ? &*seat : nullptr;
}

PrimaryMachine::Seat& PrimaryMachine::take_seat(ListenerState& listener, WorkerId worker) {
  const auto seat = std::ranges::lower_bound(listener.seats, worker, {}, &Seat::worker);
  if (seat != listener.seats.end() && seat->worker == worker) return *seat;
  return *listener.seats.insert(seat, Seat{.worker = worker});
}

void PrimaryMachine::forget_empty_seats(ListenerState& listener) {
  std::erase_if(listener.seats, [](const Seat& seat) { return !seat.user && seat.offered.empty(); });
}

bool PrimaryMachine::has_room(const Seat& seat) const {
  if (!seat.user || seat.rest_until > now_) return false;
  // One that has just refused is asked with one connection whether it takes them again.
  const unsigned most = workers_.at(seat.worker).baton ? limits_.baton_window : limits_.node_window;
  return seat.offered.size() < (seat.rest > 0 ? 1 : most);
}

// How long a worker without room is waited for; 0: it is passed over.
Milliseconds PrimaryMachine::worth_until(const Seat& seat, Milliseconds patience) const {
  if (!seat.user || seat.rest > 0 || seat.offered.empty()) return 0;
  const bool sticks = policy_.kind() == Policy::Kind::sticky;
  if (!sticks && !workers_.at(seat.worker).baton) return 0;
  return seat.offered.front() + patience;
}

// --- choice

std::vector<Choice>& PrimaryMachine::choices(const ListenerState& listener, Milliseconds patience) const {
  choices_.clear();
  for (const Seat& seat : listener.seats) {
    const Worker& worker = workers_.at(seat.worker);
    const uint64_t open = worker.reported + worker.since_report + worker.offers.size();
    const bool room = has_room(seat);
    const bool worth = !room && worth_until(seat, patience) > now_;
    choices_.push_back({Candidate(worker.id, worker.slot, open, worker.lag), room, worth});
  }
  return choices_;
}

std::optional<size_t> PrimaryMachine::choose(const ListenerState& listener, const Connection& connection) {
  switch (policy_.kind()) {
    case Policy::Kind::least_loaded:
      return less_loaded(choices(listener, 0), next_random(random_));
    case Policy::Kind::sticky:
      return sticky(choices(listener, limits_.sticky_patience), connection.client);
    case Policy::Kind::chosen:
      return chosen(choices(listener, 0), policy_.chooser(), connection.client);
    default:
      return in_turn(choices(listener, limits_.fresh), listener.turn);
  }
}

bool PrimaryMachine::accepts(ListenerId id, unsigned slot) const {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return false;
  const ListenerState& listener = found->second;
  const auto socket = listener.sockets.find(slot);
  if (socket == listener.sockets.end() || !socket->second.open) return false;
  if (listener.view.sharing == Sharing::one_socket || listener.view.sharing == Sharing::datagrams)
    return false;
  if (listener.view.sharing == Sharing::a_socket_each && !orphaned(listener, slot)) return false;
  switch (policy_.kind()) {
    case Policy::Kind::sticky:
    case Policy::Kind::chosen:
      // Whose turn it is shows only when the client is known.
      if (listener.waiting.size() + listener.looked >= limits_.waiting) return false;
      [[fallthrough]];
    case Policy::Kind::least_loaded:
      if (policy_.kind() == Policy::Kind::least_loaded && !listener.waiting.empty()) return false;
      return std::ranges::any_of(listener.seats, [this](const Seat& seat) { return has_room(seat); });
    default:
      return listener.waiting.empty() && in_turn(choices(listener, limits_.fresh), listener.turn).has_value();
  }
}

void PrimaryMachine::settle(ListenerState& listener) {
  serve(listener);
  for (auto& [slot, socket] : listener.sockets) {
    const bool on = accepts(listener.view.id, slot);
    if (on == std::exchange(socket.accepting, on)) continue;
    PrimaryAction& action = act(PrimaryAction::Kind::accept);
    action.listener = listener.view.id;
    action.slot = slot;
    action.on = on;
  }
  wake_for(listener);
}

void PrimaryMachine::serve(ListenerState& listener) {
  const bool by_client = policy_.kind() == Policy::Kind::sticky || policy_.kind() == Policy::Kind::chosen;
  for (size_t i = 0; i < listener.waiting.size();) {
    const ConnectionId id = listener.waiting[i];
    Connection& connection = connections_.at(id);
    const auto index = choose(listener, connection);
    if (!index && !by_client) return;
    if (!index) {
      ++i;
      continue;
    }
    listener.waiting.erase(listener.waiting.begin() + static_cast<std::ptrdiff_t>(i));
    offer(listener, listener.seats[*index], id, connection);
  }
}

// The moments at which a choice may come out differently although nothing happens.
void PrimaryMachine::wake_for(const ListenerState& listener) {
  const bool sticks = policy_.kind() == Policy::Kind::sticky;
  for (const Seat& seat : listener.seats) {
    if (seat.user && seat.rest_until > now_) wake_at(seat.rest_until);
    if (has_room(seat)) continue;
    const Milliseconds until = worth_until(seat, sticks ? limits_.sticky_patience : limits_.fresh);
    if (until > now_) wake_at(until);
  }
}

// --- the ledger

void PrimaryMachine::accepted(ListenerId id, ConnectionId number, std::string_view client) {
  const auto [entry, added] = connections_.try_emplace(number);
  if (!added) return;
  Connection& connection = entry->second;
  connection.listener = id;
  connection.order = order_++;
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return close_connection(entry);
  ListenerState& listener = found->second;
  if (policy_.kind() == Policy::Kind::sticky || policy_.kind() == Policy::Kind::chosen) {
    connection.client = client;
  }
  if (policy_.kind() == Policy::Kind::sticky && policy_.sticky_by() != Policy::Sticky::address) {
    connection.state = Connection::State::looked;
    ++listener.looked;
    act(PrimaryAction::Kind::look).connection = number;
  } else {
    listener.waiting.push_back(number);
  }
  settle(listener);
}

void PrimaryMachine::sticky_value(ConnectionId id, std::optional<std::string_view> value) {
  const auto entry = connections_.find(id);
  if (entry == connections_.end() || entry->second.state != Connection::State::looked) return;
  Connection& connection = entry->second;
  ListenerState& listener = listeners_.at(connection.listener);
  --listener.looked;
  // No address begins like this.
  if (value) connection.client = "=" + std::string(*value);
  connection.state = Connection::State::waiting;
  listener.waiting.push_back(id);
  settle(listener);
}

void PrimaryMachine::offer(ListenerState& listener, Seat& seat, ConnectionId id, Connection& connection) {
  Worker& worker = workers_.at(seat.worker);
  connection.state = Connection::State::offered;
  connection.worker = worker.id;
  connection.seq = seq_++;
  ++in_flight_;
  seat.offered.push_back(now_);
  worker.offers.push_back({connection.seq, id, now_});
  listener.turn = worker.id;
  if (limits_.hang_timeout > 0) wake_at(now_ + heartbeat());
  PrimaryAction& action = act(PrimaryAction::Kind::offer);
  action.worker = worker.id;
  action.listener = listener.view.id;
  action.connection = id;
  action.message = wire::new_connection(listener.view.key, connection.seq);
}

void PrimaryMachine::on_answers(Worker& worker, const wire::WorkerMessage& message) {
  for (const uint64_t seq : message.accepted) answered(worker, seq, true);
  for (const uint64_t seq : message.refused) answered(worker, seq, false);
}

void PrimaryMachine::answered(Worker& worker, uint64_t seq, bool accepted) {
  const auto offer = std::ranges::lower_bound(worker.offers, seq, {}, &Offer::seq);
  if (offer == worker.offers.end() || offer->seq != seq) {
    if (!accepted && std::erase(worker.refusals, seq) > 0) return;
    return report(worker, Error(make_error_code(Errc::unexpected_message), "cluster",
                                "an answer to hand-off " + std::to_string(seq)));
  }
  const auto entry = connections_.find(offer->connection);
  const ListenerId listener = entry->second.listener;
  take_from(worker, entry->second);
  worker.suspect_until.reset();
  if (accepted) {
    ++worker.handed;
    ++worker.since_report;
    close_connection(entry, &worker);
  } else {
    give_back(entry->first, entry->second);
  }
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return;
  if (Seat* seat = seat_of(found->second, worker.id); accepted && seat != nullptr) {
    seat->rest = 0;
    seat->rest_until = 0;
  }
  if (!accepted) rest(found->second, worker.id);
  forget_empty_seats(found->second);
  settle(found->second);
}

void PrimaryMachine::refused(ConnectionId id) {
  const auto entry = connections_.find(id);
  if (entry == connections_.end() || entry->second.state != Connection::State::offered) return;
  Worker& worker = workers_.at(entry->second.worker);
  const ListenerId listener = entry->second.listener;
  worker.refusals.push_back(entry->second.seq);
  if (worker.refusals.size() > remembered_refusals) worker.refusals.pop_front();
  take_from(worker, entry->second);
  give_back(id, entry->second);
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return;
  rest(found->second, worker.id);
  forget_empty_seats(found->second);
  settle(found->second);
}

// The worker no longer has it on offer.
void PrimaryMachine::take_from(Worker& worker, const Connection& connection) {
  const auto offer = std::ranges::lower_bound(worker.offers, connection.seq, {}, &Offer::seq);
  const Milliseconds since = offer->since;
  worker.offers.erase(offer);
  const auto found = listeners_.find(connection.listener);
  Seat* seat = found == listeners_.end() ? nullptr : seat_of(found->second, worker.id);
  if (seat == nullptr) return;
  const auto when = std::ranges::find(seat->offered, since);
  if (when != seat->offered.end()) seat->offered.erase(when);
}

void PrimaryMachine::give_back(ConnectionId id, Connection& connection) {
  --in_flight_;
  connection.state = Connection::State::waiting;
  const auto found = listeners_.find(connection.listener);
  if (found == listeners_.end()) return close_connection(connections_.find(id));
  ++requeued_;
  act(PrimaryAction::Kind::take_back).connection = id;
  // The oldest is served first.
  auto& waiting = found->second.waiting;
  const auto place = std::ranges::find_if(
      waiting, [&](ConnectionId other) { return connections_.at(other).order > connection.order; });
  waiting.insert(place, id);
}

void PrimaryMachine::close_connection(Connections::iterator connection, const Worker* owner) {
  if (connection->second.state == Connection::State::offered) --in_flight_;
  PrimaryAction& action = act(PrimaryAction::Kind::close_connection);
  action.connection = connection->first;
  action.on = owner != nullptr;
  if (owner != nullptr) action.worker = owner->id;
  connections_.erase(connection);
}

void PrimaryMachine::rest(ListenerState& listener, WorkerId worker) {
  Seat* seat = seat_of(listener, worker);
  // Several that were refused together are one refusal.
  if (seat == nullptr || seat->rest_until > now_) return;
  seat->rest = std::clamp(seat->rest * 2, limits_.first_rest, limits_.longest_rest);
  seat->rest_until = now_ + seat->rest;
  wake_at(seat->rest_until);
}

void PrimaryMachine::drop_waiting(ListenerState& listener) {
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    const auto one = entry++;
    if (one->second.listener != listener.view.id || one->second.state == Connection::State::offered) continue;
    close_connection(one);
  }
  listener.waiting.clear();
  listener.looked = 0;
}

}  // namespace baton::cluster
