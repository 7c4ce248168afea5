// How many listeners there may be, and which of them go first or make way.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "cluster/primary_machine.h"

namespace baton::cluster {
namespace {

int64_t port_of(const PrimaryMachine::Listener& listener) {
  return listener.sockname ? listener.sockname->port : listener.query.port.value_or(0);
}

}  // namespace

// The errno to answer with; 0: there is room for the listener, which is `wanted` if there is such a one. What
// was given up counts on for the slot, until it is closed: a worker could give up one after the other, and
// each life of it leave as many as it may have.
int PrimaryMachine::make_room(const Worker& worker, const ListenerState* wanted) {
  if (worker.queries >= limits_.open_queries) return EMFILE;
  size_t own = worker.queries;
  for (const auto& [id, listener] : listeners_) {
    const bool seated = std::ranges::find(listener.seats, worker.id, &Seat::worker) != listener.seats.end();
    const bool left = &listener != wanted && listener.left_by == worker.slot && !in_use(listener);
    own += seated || left ? 1 : 0;
  }
  if (own >= limits_.listeners_of_a_worker && !close_one_left(worker.slot, wanted)) return EMFILE;
  const unsigned slot = wanted != nullptr && wanted->view.sharing == Sharing::a_socket_each ? worker.slot : 0;
  if (wanted != nullptr && wanted->sockets.contains(slot)) return 0;
  size_t all = 0;
  for (const auto& [id, listener] : listeners_) all += listener.sockets.size();
  return all >= limits_.listeners && !close_one_left(0, wanted) ? ENFILE : 0;
}

// Of those that nobody uses, one that is to be closed anyway as it was given up; else, of those that one dead
// worker alone used. Of these the one that was left first; `slot`: only of that one, if it is not 0. A port
// that was handed on outlives the workers, unless they give it up.
bool PrimaryMachine::close_one_left(unsigned slot, const ListenerState* wanted) {
  const auto is_closing = [](const ListenerState& one) { return one.given_up && one.close_at; };
  const auto before = [&](const ListenerState& one, const ListenerState& other) {
    return is_closing(one) == is_closing(other) ? one.left < other.left : is_closing(one);
  };
  ListenerState* first = nullptr;
  for (auto& [id, listener] : listeners_) {
    if (&listener == wanted || listener.left_by == 0 || in_use(listener)) continue;
    if (listener.handed_on && !is_closing(listener)) continue;
    if (slot != 0 && listener.left_by != slot) continue;
    if (first == nullptr || before(listener, *first)) first = &listener;
  }
  if (first == nullptr) return false;
  close_listener(*first);
  return true;
}

// What nobody uses yields its port to who asks for it by another address: what was closed by who used it, or
// left by who had the place of the worker that asks; but not what the service had, whose next worker asks for
// it soon. False: nothing stands in its way that could.
bool PrimaryMachine::free_port(const ListenerState& wanted, unsigned slot) {
  bool freed = false;
  for (auto entry = listeners_.begin(); entry != listeners_.end();) {
    ListenerState& listener = (entry++)->second;
    if (listener.view.id == wanted.view.id || listener.user != wanted.user || in_use(listener)) continue;
    if (port_of(listener.view) <= 0 || port_of(listener.view) != port_of(wanted.view)) continue;
    if (listener.view.query.is_udp() != wanted.view.query.is_udp()) continue;
    if (!listener.given_up && (listener.handed_on || listener.left_by != slot)) continue;
    close_listener(listener);
    freed = true;
  }
  return freed;
}

// --- what cannot be opened takes the primary's time each time

bool PrimaryMachine::takes_query(WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found != workers_.end() && !found->second.leaves() && found->second.queries < limits_.open_queries;
}

bool PrimaryMachine::fails_often(const Worker& worker) const {
  return !worker.later.empty() || worker.calm_at > now_ + limits_.failed_opens;
}

void PrimaryMachine::open_later(Worker& worker, ListenerState& listener, unsigned slot) {
  if (worker.later.empty()) worker.next_open = now_ + limits_.failed_open;
  worker.later.emplace_back(listener.view.id, slot);
  listener.sockets.at(slot).waits_with = worker.id;
  wake_at(worker.next_open);
}

void PrimaryMachine::open_at_last(Worker& worker) {
  if (worker.later.empty()) return;
  if (worker.next_open <= now_) {
    const auto [id, slot] = worker.later.front();
    worker.next_open = now_ + limits_.failed_open;
    open_now(listeners_.at(id), slot);
  }
  if (!worker.later.empty()) wake_at(worker.next_open);
}

void PrimaryMachine::open_now(ListenerState& listener, unsigned slot) {
  forget_turn(listener, slot);
  open(listener, slot);
}

void PrimaryMachine::forget_turn(ListenerState& listener, unsigned slot) {
  const auto waiting = workers_.find(std::exchange(listener.sockets.at(slot).waits_with, 0));
  if (waiting != workers_.end()) std::erase(waiting->second.later, std::pair(listener.view.id, slot));
}

// It leaves: who waits for the same has a turn of its own.
void PrimaryMachine::give_up_turns(Worker& worker) {
  for (const auto& [id, slot] : std::exchange(worker.later, {})) {
    ListenerState& listener = listeners_.at(id);
    Socket& socket = listener.sockets.at(slot);
    socket.waits_with = 0;
    if (!socket.queries.empty()) {
      open_later(workers_.at(socket.queries.front().worker), listener, slot);
      continue;
    }
    listener.sockets.erase(slot);
    if (!listener.sockets.empty()) continue;
    keys_.erase(listener.view.key);
    listeners_.erase(id);
  }
}

void PrimaryMachine::note_left(ListenerState& listener, const Worker& worker) {
  if (in_use(listener)) return;
  listener.given_up = false;
  listener.left_by = worker.slot;
  listener.left = ++left_;
  expect_heir(listener);
}

// Whoever has taken its user's place listens elsewhere: it has some time to ask for this one too. Dies it
// before, its successor has as much; so a crash loop closes nothing.
void PrimaryMachine::expect_heir(ListenerState& listener) {
  if (listener.close_at) return;
  for (const auto& [id, worker] : workers_) {
    if (worker.slot != listener.left_by || !worker.listening || worker.leaves()) continue;
    listener.close_at = now_ + limits_.no_heir;
    listener.closed_by = id;
    wake_at(*listener.close_at);
    return;
  }
}

void PrimaryMachine::expect_heirs(const Worker& worker) {
  for (auto& [id, listener] : listeners_) {
    if (listener.left_by == worker.slot && !in_use(listener)) expect_heir(listener);
  }
}

}  // namespace baton::cluster
