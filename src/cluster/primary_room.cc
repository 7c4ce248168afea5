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
// the dead have left counts for the slot that they had: each life of a worker could leave as many as it may
// have.
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

// Of those that one dead worker alone used, the one that was left first; `slot`: only of that one, if it is
// not 0. A port that was handed on outlives the workers.
bool PrimaryMachine::close_one_left(unsigned slot, const ListenerState* wanted) {
  ListenerState* first = nullptr;
  for (auto& [id, listener] : listeners_) {
    if (&listener == wanted || listener.handed_on || listener.left_by == 0 || in_use(listener)) continue;
    if (slot != 0 && listener.left_by != slot) continue;
    if (first == nullptr || listener.left < first->left) first = &listener;
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
