// Which worker listens on what: queries, replies, closing.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "baton/wire/advanced.h"
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

std::string packed(const Value& data) {
  std::string text;
  if (!data.is_null()) (void)wire::write_advanced(data, text);
  return text;
}

Value unpacked(const std::string& text) {
  return text.empty() ? Value(nullptr) : wire::read_advanced(text).value_or(Value(nullptr));
}

std::string subject_of(const wire::ListenQuery& query) {
  if (query.type == wire::AddressType::unix_path) return "listen " + query.path_text();
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
  const auto refuse = [&](int error) {
    send(worker, wire::failure_reply(-error, key, *message.seq, message.query.data, seq_++));
  };
  const auto known = keys_.find(key);
  ListenerState* wanted = known == keys_.end() ? nullptr : &listeners_.at(known->second);
  // Nobody has it yet, and whom it is opened for may not.
  if (wanted != nullptr && !wanted->view.open && wanted->user == unknown_user) wanted->user = worker.user;
  if (wanted != nullptr && wanted->user != worker.user) {
    tell_failure(&worker, message.query, EACCES, "it belongs to workers of another user");
    return refuse(EACCES);
  }
  if (listens_already(worker, key)) return refuse(EADDRINUSE);
  if (const int error = make_room(worker, wanted); error != 0) {
    report(worker, Error(error, subject_of(message.query), "more listeners than it may have"));
    return refuse(error);
  }
  ListenerState& listener = wanted == nullptr ? add_listener(key, message.query, worker) : *wanted;
  listener.close_at.reset();
  if (listener.first_user == 0) listener.first_user = worker.id;
  if (listener.first_user != worker.id) listener.handed_on = true;
  if (listener.data.empty()) listener.data = packed(message.query.data);
  wait_for_socket(listener, worker, *message.seq);
}

bool PrimaryMachine::listens_already(const Worker& worker, const std::string& key) const {
  const auto known = keys_.find(key);
  if (known == keys_.end()) return false;
  const ListenerState& listener = listeners_.at(known->second);
  const auto of_worker = [&](const auto& one) { return one.worker == worker.id; };
  for (const auto& [slot, socket] : listener.sockets) {
    if (std::ranges::any_of(socket.queries, of_worker)) return true;
  }
  const auto seat = std::ranges::find_if(listener.seats, of_worker);
  return seat != listener.seats.end() && seat->user;
}

PrimaryMachine::ListenerState& PrimaryMachine::add_listener(const std::string& key,
                                                            const wire::ListenQuery& query,
                                                            const Worker& worker) {
  const ListenerId id = next_listener_++;
  ListenerState& listener = listeners_[id];
  listener.user = worker.user;
  listener.view.id = id;
  listener.view.key = key;
  listener.view.sharing = sharing_of(query);
  listener.view.query = query;
  listener.view.query.data = nullptr;
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
  socket.queries.push_back({worker.id, seq, worker.speakers});
  ++worker.queries;
  if (known && socket.waits_with == 0) return;
  if (!fails_often(worker)) return open_now(listener, slot);
  if (!known) open_later(worker, listener, slot);
}

void PrimaryMachine::open(ListenerState& listener, unsigned slot) {
  Socket& socket = listener.sockets.at(slot);
  socket.opens_for = socket.queries.empty() ? 0 : socket.queries.front().worker;
  PrimaryAction& action = act(PrimaryAction::Kind::open);
  if (!socket.queries.empty()) action.speakers = socket.queries.front().speakers;
  action.worker = socket.opens_for;
  action.listener = listener.view.id;
  action.slot = slot;
}

void PrimaryMachine::admit(ListenerState& listener, unsigned slot, const Query& query) {
  const Worker& worker = workers_.at(query.worker);
  const auto& key = listener.view.key;
  if (listener.view.sharing == Sharing::handed_over) {
    send(worker,
         wire::listening_reply(key, query.seq, unpacked(listener.data), listener.view.sockname, seq_++));
  } else {
    PrimaryAction& action = act(PrimaryAction::Kind::share);
    action.worker = worker.id;
    action.listener = listener.view.id;
    action.slot = slot;
    action.message = wire::shared_reply(key, query.seq, unpacked(listener.data), seq_++);
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
  send(worker->second,
       wire::failure_reply(-EMFILE, listener.view.key, seat->query, unpacked(listener.data), seq_++));
  forget_empty_seats(listener);
  settle(listener);
  linger(listener, worker->second);
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

void PrimaryMachine::open_failed(ListenerId id, unsigned slot, int error, std::string_view why) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end() || !found->second.sockets.contains(slot)) return;
  ListenerState& listener = found->second;
  Socket& socket = listener.sockets[slot];
  const WorkerId asked_by = std::exchange(socket.opens_for, 0);
  const auto asking = workers_.find(asked_by);
  const unsigned place = asking == workers_.end() ? 0 : asking->second.slot;
  if (error == EADDRINUSE && free_port(listener, place)) return open(listener, slot);
  // What held this up is the doing of who asked, for all we know: whoever else waits has another try.
  const bool of_one = error == ETIMEDOUT || error == ECANCELED || error == EACCES || error == EAGAIN;
  std::deque<Query> others;
  Worker* asked = nullptr;
  for (const Query& query : std::exchange(socket.queries, {})) {
    if (of_one && query.worker != asked_by) {
      others.push_back(query);
      continue;
    }
    Worker& worker = workers_.at(query.worker);
    if (asked == nullptr) asked = &worker;
    --worker.queries;
    worker.calm_at = std::max(worker.calm_at, now_) + limits_.failed_open;
    send(worker, wire::failure_reply(-error, listener.view.key, query.seq, unpacked(listener.data), seq_++));
  }
  // Who asked for it is gone, and nobody else is concerned.
  if (error != ECANCELED) tell_failure(asked, listener.view.query, error, why);
  if (!others.empty()) {
    socket.queries = std::move(others);
    return open(listener, slot);
  }
  listener.sockets.erase(slot);
  if (!listener.sockets.empty()) return;
  // Another worker may have more luck.
  keys_.erase(listener.view.key);
  listeners_.erase(found);
}

// A worker may ask again and again for what is not for it; that is said once.
void PrimaryMachine::tell_failure(Worker* worker, const wire::ListenQuery& query, int error,
                                  std::string_view why) {
  const bool refused = error == EACCES || error == EPERM;
  if (worker != nullptr && refused && std::exchange(worker->refusal_told, true)) return;
  PrimaryAction& action = act(PrimaryAction::Kind::listen_failed);
  action.worker = worker == nullptr ? 0 : worker->id;
  action.query = query;
  action.error = Error(error, subject_of(query), why);
}

void PrimaryMachine::on_close(Worker& worker, const std::string& key) {
  const auto known = keys_.find(key);
  if (worker.leaves() || known == keys_.end()) return;
  ListenerState& listener = listeners_.at(known->second);
  Seat* seat = seat_of(listener, worker.id);
  if (seat == nullptr || !std::exchange(seat->user, false)) return;
  forget_empty_seats(listener);
  settle(listener);
  linger(listener, worker);
  if (!listens_anywhere(worker.id)) act(PrimaryAction::Kind::stopped_listening).worker = worker.id;
}

bool PrimaryMachine::listens_anywhere(WorkerId worker) const {
  return std::ranges::any_of(listeners_, [&](const auto& entry) {
    const ListenerState& listener = entry.second;
    return std::ranges::any_of(listener.seats,
                               [&](const Seat& seat) { return seat.worker == worker && seat.user; }) ||
           std::ranges::any_of(listener.sockets, [&](const auto& socket) {
             return std::ranges::any_of(socket.second.queries,
                                        [&](const Query& query) { return query.worker == worker; });
           });
  });
}

// A worker that leaves of its own will closes first and says so later. But who alone listened on port 0 and
// gives it up wanted a number that is free, for somebody who will not ask here.
void PrimaryMachine::linger(ListenerState& listener, const Worker& last) {
  if (in_use(listener)) return;
  const bool number_wanted = listener.view.query.port == 0 && !listener.handed_on;
  if (number_wanted && listener.waiting.empty() && listener.looked == 0 && listener.seats.empty())
    return close_listener(listener);
  listener.given_up = true;
  listener.left_by = last.slot;
  listener.left = ++left_;
  listener.close_at = now_ + limits_.close_linger;
  listener.closed_by = last.id;
  wake_at(*listener.close_at);
}

void PrimaryMachine::stays_open(WorkerId left) {
  for (auto& [id, listener] : listeners_) {
    if (!listener.close_at || listener.closed_by != left) continue;
    listener.close_at.reset();
    listener.given_up = false;
    expect_heir(listener);
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
      const auto of_it = [&](const Query& query) { return query.worker == worker.id; };
      // It may be opened yet.
      if (std::erase_if(socket.queries, of_it) > 0) note_left(listener, worker);
    }
    if (Seat* seat = seat_of(listener, worker.id); seat != nullptr && std::exchange(seat->user, false)) {
      note_left(listener, worker);
    }
    forget_empty_seats(listener);
    settle(listener);
  }
  give_up_turns(worker);
}

void PrimaryMachine::close_listener(ListenerState& listener) {
  drop_waiting(listener);
  for (auto& [slot, socket] : listener.sockets) {
    forget_turn(listener, slot);
    for (const Query& query : std::exchange(socket.queries, {})) {
      Worker& worker = workers_.at(query.worker);
      --worker.queries;
      send(worker,
           wire::failure_reply(-ECANCELED, listener.view.key, query.seq, unpacked(listener.data), seq_++));
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
