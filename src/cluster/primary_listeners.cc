// Which worker listens on what: queries, replies, closing.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "cluster/primary_machine.h"

namespace baton::cluster {
namespace {

std::string text_of(const std::optional<int64_t>& number) {
  return number ? std::to_string(*number) : std::string("null");
}

std::string_view text_of(wire::AddressType type) {
  switch (type) {
    case wire::AddressType::tcp4:
      return "4";
    case wire::AddressType::tcp6:
      return "6";
    case wire::AddressType::unix_path:
      return "-1";
    case wire::AddressType::udp4:
      return "udp4";
    case wire::AddressType::udp6:
      return "udp6";
    case wire::AddressType::unknown:
      break;
  }
  return "null";
}

// Workers with the same key share a listener. Spelled as Node 22 and later do.
std::string key_of(const wire::ListenQuery& query) {
  std::string key = query.address.value_or("null");
  key += ':';
  key += text_of(query.port);
  key += ':';
  key += text_of(query.type);
  key += ':';
  key += query.fd ? std::to_string(*query.fd) : std::string("undefined");
  if (query.port == 0) key += ':' + std::to_string(query.index);
  return key;
}

std::string subject_of(const wire::ListenQuery& query) {
  if (query.type == wire::AddressType::unix_path) return "listen " + query.address.value_or("");
  if (query.fd && *query.fd >= 0) return "listen on descriptor " + std::to_string(*query.fd);
  const std::string address = query.address.value_or("::");
  const bool v6 = address.contains(':');
  return "listen " + (v6 ? "[" + address + "]" : address) + ":" + text_of(query.port);
}

}  // namespace

Sharing PrimaryMachine::sharing_of(const wire::ListenQuery& query) const {
  if (query.is_udp()) return Sharing::datagrams;
  const bool tcp = query.type == wire::AddressType::tcp4 || query.type == wire::AddressType::tcp6;
  if (policy_.kind() == Policy::Kind::shared) return Sharing::one_socket;
  if (policy_.kind() != Policy::Kind::reuse_port) return Sharing::handed_over;
  return tcp && (!query.fd || *query.fd < 0) ? Sharing::a_socket_each : Sharing::one_socket;
}

void PrimaryMachine::on_query(Worker& worker, const wire::WorkerMessage& message) {
  if (worker.leaves()) return;
  if (!message.seq) {
    return report(worker, Error(make_error_code(Errc::bad_message), "cluster",
                                "queryServer: nobody waits for a reply"));
  }
  const std::string key = key_of(message.query);
  if (const int error = refusal_of(worker, key); error != 0) {
    return send(worker, wire::failure_reply(-error, key, *message.seq, message.query.data, seq_++));
  }
  const auto known = keys_.find(key);
  ListenerState& listener =
      known == keys_.end() ? add_listener(key, message.query) : listeners_.at(known->second);
  listener.close_at.reset();
  if (listener.data.is_null()) listener.data = message.query.data;
  wait_for_socket(listener, worker, *message.seq);
}

// The errno to answer with; 0: it may listen.
int PrimaryMachine::refusal_of(const Worker& worker, const std::string& key) const {
  if (worker.queries >= limits_.open_queries) return EMFILE;
  const auto known = keys_.find(key);
  if (known != keys_.end()) {
    const ListenerState& listener = listeners_.at(known->second);
    const auto of_worker = [&](const auto& one) { return one.worker == worker.id; };
    for (const auto& [slot, socket] : listener.sockets) {
      if (std::ranges::any_of(socket.queries, of_worker)) return EADDRINUSE;
    }
    const auto seat = std::ranges::find_if(listener.seats, of_worker);
    if (seat != listener.seats.end() && seat->user) return EADDRINUSE;
  } else if (listeners_.size() >= limits_.listeners) {
    return ENFILE;
  }
  size_t used = worker.queries;
  for (const auto& [id, listener] : listeners_) {
    for (const Seat& seat : listener.seats) used += seat.worker == worker.id ? 1 : 0;
  }
  return used >= limits_.listeners_of_a_worker ? EMFILE : 0;
}

PrimaryMachine::ListenerState& PrimaryMachine::add_listener(const std::string& key,
                                                            const wire::ListenQuery& query) {
  const ListenerId id = next_listener_++;
  ListenerState& listener = listeners_[id];
  listener.view.id = id;
  listener.view.key = key;
  listener.view.sharing = sharing_of(query);
  listener.view.query = query;
  const int64_t asked = query.backlog.value_or(0);
  listener.view.backlog = asked > 0 ? asked : limits_.default_backlog;
  keys_.emplace(key, id);
  return listener;
}

void PrimaryMachine::wait_for_socket(ListenerState& listener, Worker& worker, uint64_t seq) {
  const unsigned slot = listener.view.sharing == Sharing::a_socket_each ? worker.slot : 0;
  const bool known = listener.sockets.contains(slot);
  Socket& socket = listener.sockets[slot];
  if (socket.open) return admit(listener, slot, {worker.id, seq});
  socket.queries.push_back({worker.id, seq});
  ++worker.queries;
  if (known) return;
  PrimaryAction& action = act(PrimaryAction::Kind::open);
  action.listener = listener.view.id;
  action.slot = slot;
}

void PrimaryMachine::admit(ListenerState& listener, unsigned slot, const Query& query) {
  const Worker& worker = workers_.at(query.worker);
  const auto& key = listener.view.key;
  if (listener.view.sharing == Sharing::handed_over) {
    send(worker, wire::listening_reply(key, query.seq, listener.data, listener.view.sockname, seq_++));
  } else {
    PrimaryAction& action = act(PrimaryAction::Kind::share);
    action.worker = worker.id;
    action.listener = listener.view.id;
    action.slot = slot;
    action.message = wire::shared_reply(key, query.seq, listener.data, seq_++);
  }
  Seat& seat = take_seat(listener, worker.id);
  seat.user = true;
  seat.query = query.seq;
  settle(listener);
}

void PrimaryMachine::share_failed(WorkerId id, ListenerId number) {
  const auto worker = workers_.find(id);
  const auto found = listeners_.find(number);
  if (worker == workers_.end() || found == listeners_.end() || worker->second.leaves()) return;
  ListenerState& listener = found->second;
  Seat* seat = seat_of(listener, id);
  if (seat == nullptr || !std::exchange(seat->user, false)) return;
  send(worker->second, wire::failure_reply(-EMFILE, listener.view.key, seat->query, listener.data, seq_++));
  forget_empty_seats(listener);
  settle(listener);
}

void PrimaryMachine::opened(ListenerId id, unsigned slot, const std::optional<wire::Sockname>& sockname) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end() || !found->second.sockets.contains(slot)) return;
  ListenerState& listener = found->second;
  listener.view.open = true;
  if (!listener.view.sockname) listener.view.sockname = sockname;
  Socket& socket = listener.sockets[slot];
  socket.open = true;
  for (const Query& query : std::exchange(socket.queries, {})) {
    --workers_.at(query.worker).queries;
    admit(listener, slot, query);
  }
  // Who asked for it may have left meanwhile.
  settle(listener);
}

void PrimaryMachine::open_failed(ListenerId id, unsigned slot, int error) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end() || !found->second.sockets.contains(slot)) return;
  ListenerState& listener = found->second;
  WorkerId asked = 0;
  for (const Query& query : std::exchange(listener.sockets[slot].queries, {})) {
    Worker& worker = workers_.at(query.worker);
    if (asked == 0) asked = worker.id;
    --worker.queries;
    send(worker, wire::failure_reply(-error, listener.view.key, query.seq, listener.data, seq_++));
  }
  listener.sockets.erase(slot);
  PrimaryAction& action = act(PrimaryAction::Kind::listen_failed);
  action.worker = asked;
  action.listener = id;
  action.query = listener.view.query;
  action.error = Error(error, subject_of(listener.view.query));
  if (!listener.sockets.empty()) return;
  // Another worker may have more luck.
  keys_.erase(listener.view.key);
  listeners_.erase(found);
}

void PrimaryMachine::on_close(Worker& worker, const std::string& key) {
  const auto known = keys_.find(key);
  if (worker.leaves() || known == keys_.end()) return;
  ListenerState& listener = listeners_.at(known->second);
  Seat* seat = seat_of(listener, worker.id);
  if (seat == nullptr || !std::exchange(seat->user, false)) return;
  forget_empty_seats(listener);
  linger(listener, worker.id);
  settle(listener);
}

// A worker that leaves of its own will closes first and says so later.
void PrimaryMachine::linger(ListenerState& listener, WorkerId last) {
  if (in_use(listener)) return;
  listener.close_at = now_ + limits_.close_linger;
  listener.closed_by = last;
  wake_at(*listener.close_at);
}

void PrimaryMachine::stays_open(WorkerId left) {
  for (auto& [id, listener] : listeners_) {
    if (listener.close_at && listener.closed_by == left) listener.close_at.reset();
  }
}

bool PrimaryMachine::in_use(const ListenerState& listener) const {
  if (std::ranges::any_of(listener.seats, &Seat::user)) return true;
  return std::ranges::any_of(listener.sockets,
                             [](const auto& entry) { return !entry.second.queries.empty(); });
}

// A socket that no worker accepts from.
bool PrimaryMachine::orphaned(const ListenerState& listener, unsigned slot) const {
  return std::ranges::none_of(
      listener.seats, [&](const Seat& seat) { return seat.user && workers_.at(seat.worker).slot == slot; });
}

void PrimaryMachine::leave_listeners(Worker& worker) {
  stays_open(worker.id);
  worker.queries = 0;
  for (auto& [id, listener] : listeners_) {
    for (auto& [slot, socket] : listener.sockets) {
      std::erase_if(socket.queries, [&](const Query& query) { return query.worker == worker.id; });
    }
    if (Seat* seat = seat_of(listener, worker.id); seat != nullptr) seat->user = false;
    forget_empty_seats(listener);
    settle(listener);
  }
}

void PrimaryMachine::close_listener(ListenerState& listener) {
  drop_waiting(listener);
  for (auto& [slot, socket] : listener.sockets) {
    for (const Query& query : std::exchange(socket.queries, {})) {
      Worker& worker = workers_.at(query.worker);
      --worker.queries;
      send(worker, wire::failure_reply(-ECANCELED, listener.view.key, query.seq, listener.data, seq_++));
    }
  }
  act(PrimaryAction::Kind::close_listener).listener = listener.view.id;
  keys_.erase(listener.view.key);
  listeners_.erase(ListenerId{listener.view.id});
}

void PrimaryMachine::close_listeners() {
  while (!listeners_.empty()) close_listener(listeners_.begin()->second);
}

std::optional<PrimaryMachine::Listener> PrimaryMachine::listener(ListenerId id) const {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return std::nullopt;
  Listener view = found->second.view;
  view.users = static_cast<size_t>(std::ranges::count(found->second.seats, true, &Seat::user));
  return view;
}

std::vector<ListenerId> PrimaryMachine::listeners() const {
  std::vector<ListenerId> ids;
  for (const auto& [id, listener] : listeners_) ids.push_back(id);
  return ids;
}

}  // namespace baton::cluster
