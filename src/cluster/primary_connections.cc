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
  if (workers_.at(seat.worker).offers.size() >= limits_.unanswered) return false;
  // One that has just refused is asked with one connection whether it takes them again.
  const unsigned most = workers_.at(seat.worker).baton ? limits_.baton_window : limits_.node_window;
  return seat.offered.size() < (seat.rest > 0 ? 1 : most);
}

bool PrimaryMachine::takes_turns() const {
  using Kind = Policy::Kind;
  return policy_.kind() != Kind::least_loaded && policy_.kind() != Kind::sticky &&
         policy_.kind() != Kind::chosen;
}

// Until when a worker without room is waited for; 0: it is passed over.
Milliseconds PrimaryMachine::worth_until(const ListenerState& listener, const Seat& seat) const {
  if (!seat.user || seat.rest > 0 || seat.offered.empty()) return 0;
  const Milliseconds since = seat.offered.front();
  if (policy_.kind() == Policy::Kind::sticky) return since + limits_.sticky_patience;
  const Worker& worker = workers_.at(seat.worker);
  if (!worker.baton || since + limits_.fresh <= now_) return 0;
  return since + std::min(limits_.fresh, short_wait(listener) + worker.allowance.left(now_));
}

// --- waits in turn
//
// Whoever is a little late in its turn is waited for, so that all get equally many. But a worker that always
// answers a little before it would be passed over brings all others down to its own pace. What a wait costs
// beyond what is usual here is therefore charged to whom it is for.

Milliseconds PrimaryMachine::short_wait(const ListenerState& listener) const {
  return std::min(limits_.fresh, std::max(limits_.short_wait, 4 * usual_answer(listener)));
}

// The median, so that no single worker moves it; the lower one, of two the faster.
Milliseconds PrimaryMachine::usual_answer(const ListenerState& listener) const {
  if (listener.usual_at == now_) return listener.usual;
  answers_.clear();
  for (const Seat& seat : listener.seats) {
    if (const uint64_t usual = workers_.at(seat.worker).usual_answer; seat.user && usual > 0)
      answers_.push_back(usual);
  }
  listener.usual_at = now_;
  if (answers_.empty()) return listener.usual = limits_.fresh;
  const auto median = answers_.begin() + static_cast<std::ptrdiff_t>((answers_.size() - 1) / 2);
  std::ranges::nth_element(answers_, median);
  return listener.usual = *median / 1000;
}

void PrimaryMachine::charge_hold(ListenerState& listener) {
  const auto held_by = workers_.find(std::exchange(listener.held_by, 0));
  if (held_by == workers_.end() || now_ <= listener.held_from) return;
  held_by->second.allowance.spend(std::min(now_ - listener.held_from, limits_.fresh), now_);
}

// To be asked when nothing is accepted: whether that is because somebody's turn is waited for.
void PrimaryMachine::note_hold(ListenerState& listener) {
  const auto& all = choices(listener, true);
  if (!std::ranges::any_of(all, &Choice::room) || in_turn(all, listener.turn)) return;
  const Seat& seat = listener.seats[*awaited(all, listener.turn)];
  listener.held_by = seat.worker;
  listener.held_from = std::max(now_, seat.offered.front() + short_wait(listener));
  listener.held_until = worth_until(listener, seat);
}

// --- choice

std::vector<Choice>& PrimaryMachine::choices(const ListenerState& listener, bool patiently) const {
  choices_.clear();
  for (const Seat& seat : listener.seats) {
    const Worker& worker = workers_.at(seat.worker);
    const uint64_t open = worker.reported + worker.since_report + worker.offers.size();
    const bool room = has_room(seat);
    const bool worth = patiently && !room && worth_until(listener, seat) > now_;
    choices_.push_back({Candidate(worker.id, worker.slot, open, worker.lag), room, worth});
  }
  return choices_;
}

std::optional<size_t> PrimaryMachine::choose(ListenerState& listener, const Connection& connection) {
  switch (policy_.kind()) {
    case Policy::Kind::least_loaded:
      return less_loaded(choices(listener, false), next_random(random_));
    case Policy::Kind::sticky:
      return stick(listener, connection);
    case Policy::Kind::chosen:
      return chosen(choices(listener, false), policy_.chooser(), connection.client);
    default:
      return in_turn(choices(listener, true), listener.turn);
  }
}

// A client waits for its worker, but not so many for one that there is no place for those of others.
std::optional<size_t> PrimaryMachine::stick(ListenerState& listener, const Connection& connection) {
  auto& all = choices(listener, true);
  for (;;) {
    const auto wish = sticky(all, connection.client);
    if (!wish || all[*wish].room) return wish;
    if (listener.seats[*wish].waited_for++ < limits_.waiting_for_one) return std::nullopt;
    all[*wish].worth_it = false;
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
      // Those whose first bytes are waited for have room of their own.
      if (listener.waiting.size() >= limits_.waiting) return false;
      if (waiting() - looked_ >= limits_.waiting_in_all) return false;
      [[fallthrough]];
    case Policy::Kind::least_loaded:
      if (policy_.kind() == Policy::Kind::least_loaded && !listener.waiting.empty()) return false;
      return std::ranges::any_of(listener.seats, [this](const Seat& seat) { return has_room(seat); });
    default:
      return listener.waiting.empty() && in_turn(choices(listener, true), listener.turn).has_value();
  }
}

void PrimaryMachine::settle(ListenerState& listener) {
  charge_hold(listener);
  serve(listener);
  bool accepting = false;
  for (auto& [slot, socket] : listener.sockets) {
    const bool on = accepts(listener.view.id, slot);
    accepting = accepting || on;
    if (on == std::exchange(socket.accepting, on)) continue;
    PrimaryAction& action = act(PrimaryAction::Kind::accept);
    action.listener = listener.view.id;
    action.slot = slot;
    action.on = on;
  }
  if (!accepting && takes_turns()) note_hold(listener);
  wake_for(listener);
}

void PrimaryMachine::serve(ListenerState& listener) {
  const bool by_client = policy_.kind() == Policy::Kind::sticky || policy_.kind() == Policy::Kind::chosen;
  for (Seat& seat : listener.seats) seat.waited_for = 0;
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
    // Room that came back at another listener.
    const bool full = workers_.at(seat.worker).offers.size() >= limits_.unanswered;
    if (seat.user && (full || waiting() - looked_ >= limits_.waiting_in_all)) wake_at(now_ + limits_.fresh);
    if (!sticks || has_room(seat)) continue;
    if (const Milliseconds until = worth_until(listener, seat); until > now_) wake_at(until);
  }
  if (listener.held_by != 0 && listener.held_until > now_) wake_at(listener.held_until);
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
    look_at(number);
  } else {
    listener.waiting.push_back(number);
  }
  settle(listener);
  if (waiting() - looked_ >= limits_.waiting_in_all) wake_at(now_);
}

// Who says nothing must not take the place of those who speak: the one that has been silent for longest is
// sorted by its address.
void PrimaryMachine::look_at(ConnectionId id) {
  const auto silent = [this](ConnectionId one) {
    const auto entry = connections_.find(one);
    return entry != connections_.end() && entry->second.state == Connection::State::looked;
  };
  looks_.push_back(id);
  ++looked_;
  act(PrimaryAction::Kind::look).connection = id;
  while (!looks_.empty() && (looked_ > limits_.looked || !silent(looks_.front()))) {
    const ConnectionId oldest = looks_.front();
    looks_.pop_front();
    if (!silent(oldest)) continue;
    act(PrimaryAction::Kind::look_no_more).connection = oldest;
    Connection& connection = connections_.at(oldest);
    sort(oldest, connection);
    if (connection.listener != connections_.at(id).listener) settle(listeners_.at(connection.listener));
  }
}

void PrimaryMachine::sort(ConnectionId id, Connection& connection) {
  ListenerState& listener = listeners_.at(connection.listener);
  --listener.looked;
  --looked_;
  connection.state = Connection::State::waiting;
  listener.waiting.push_back(id);
}

void PrimaryMachine::sticky_value(ConnectionId id, std::optional<std::string_view> value) {
  const auto entry = connections_.find(id);
  if (entry == connections_.end() || entry->second.state != Connection::State::looked) return;
  Connection& connection = entry->second;
  // No address begins like this. It is looked at often while the client waits, and long ones take their time.
  constexpr size_t short_enough = 64;
  if (value) connection.client = "=" + (value->size() <= short_enough ? std::string(*value) : digest(*value));
  sort(id, connection);
  settle(listeners_.at(connection.listener));
}

void PrimaryMachine::offer(ListenerState& listener, Seat& seat, ConnectionId id, Connection& connection) {
  Worker& worker = workers_.at(seat.worker);
  connection.state = Connection::State::offered;
  connection.worker = worker.id;
  connection.seq = seq_++;
  ++in_flight_;
  seat.offered.push_back(now_);
  worker.offers.push_back({connection.seq, id, now_});
  // Nothing is accepted for it at its other listeners either.
  if (worker.offers.size() == limits_.unanswered) wake_at(now_);
  listener.turn = worker.id;
  if (limits_.hang_timeout > 0) wake_at(now_ + heartbeat());
  PrimaryAction& action = act(PrimaryAction::Kind::offer);
  action.worker = worker.id;
  action.listener = listener.view.id;
  action.connection = id;
  action.message = wire::new_connection(listener.view.key, connection.seq);
}

void PrimaryMachine::on_answers(Worker& worker, const wire::WorkerMessage& message) {
  // A message may have thousands of them, and is reported once.
  std::optional<uint64_t> unexpected;
  size_t more = 0;
  const auto take = [&](uint64_t seq, bool accepted) {
    if (answered(worker, seq, accepted)) return;
    if (unexpected) ++more;
    if (!unexpected) unexpected = seq;
  };
  for (const uint64_t seq : message.accepted) take(seq, true);
  for (const uint64_t seq : message.refused) take(seq, false);
  if (!unexpected) return;
  report(worker, Error(make_error_code(Errc::unexpected_message), "cluster",
                       "an answer to hand-off " + std::to_string(*unexpected) +
                           (more > 0 ? ", and to " + std::to_string(more) + " others" : "")));
}

// False: nobody has asked.
bool PrimaryMachine::answered(Worker& worker, uint64_t seq, bool accepted) {
  const auto offer = std::ranges::lower_bound(worker.offers, seq, {}, &Offer::seq);
  if (offer == worker.offers.end() || offer->seq != seq)
    return !accepted && std::erase(worker.refusals, seq) > 0;
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
  if (found == listeners_.end()) return true;
  if (Seat* seat = seat_of(found->second, worker.id); accepted && seat != nullptr) {
    seat->rest = 0;
    seat->rest_until = 0;
  }
  if (!accepted) rest(found->second, worker.id);
  forget_empty_seats(found->second);
  settle(found->second);
  return true;
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
  // Of answers that come in less than a millisecond the clock knows that some are one.
  const uint64_t took = std::max<uint64_t>((now_ - since) * 1000, 1);
  worker.usual_answer = worker.usual_answer == 0 ? took : (worker.usual_answer * 7 + took) / 8;
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
  looked_ -= std::exchange(listener.looked, 0);
}

}  // namespace baton::cluster
