#include "sim/cluster_primary.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "sim/coverage.h"

namespace baton::sim {

using cluster::PrimaryAction;
using cluster::WorkerId;

ClusterPrimary::ClusterPrimary(Story& story, ClusterBook& book, World& world, Pid pid, cluster::Policy policy,
                               const cluster::PrimaryLimits& limits)
    : story_(&story),
      book_(&book),
      world_(&world),
      pid_(pid),
      machine_(policy, limits),
      policy_(std::move(policy)),
      limits_(limits) {}

// ------------------------------------------------------------------------------------------------ workers

void ClusterPrimary::add(WorkerId worker, unsigned slot, int descriptor) {
  clock();
  members_[worker].end = std::make_unique<ClusterEnd>(*story_, pid_, descriptor, false, *this);
  machine_.worker_started(worker, slot);
  pump();
}

WorkerId ClusterPrimary::worker_of(const ClusterEnd& end) const {
  for (const auto& [worker, member] : members_) {
    if (member.end.get() == &end) return worker;
  }
  return 0;
}

void ClusterPrimary::saw_death(WorkerId worker) {
  const auto member = members_.find(worker);
  if (member == members_.end()) return;
  member->second.dead = true;
  member->second.end->peer_died();
  gone_if_read(worker);
}

void ClusterPrimary::gone_if_read(WorkerId worker) {
  const auto member = members_.find(worker);
  if (member == members_.end() || !member->second.dead || !member->second.end->end_told()) return;
  if (machine_.worker(worker)->unanswered > 0) met(Met::cluster_taken_back_at_death);
  clock();
  machine_.worker_gone(worker);
  // Its end is forgotten when nothing is under way in it.
  old_ends_.push_back(std::move(member->second.end));
  members_.erase(member);
  pump();
}

void ClusterPrimary::disconnect(WorkerId worker, bool behind_a_signal) {
  clock();
  if (behind_a_signal) {
    machine_.disconnect(worker, SIGTERM, false);
  } else {
    machine_.disconnect(worker);
  }
  pump();
}

bool ClusterPrimary::act(WorkerId worker, Act act) {
  const auto member = members_.find(worker);
  if (member != members_.end()) {
    if (!member->second.end->ready(act)) return false;
    member->second.end->act(act);
    gone_if_read(worker);
    return true;
  }
  for (const auto& end : old_ends_) {
    if (!end->ready(act) || act == Act::deliver) continue;
    end->act(act);
    return true;
  }
  return false;
}

bool ClusterPrimary::channel_open(WorkerId worker) const {
  const auto member = members_.find(worker);
  return member != members_.end() && member->second.end->open();
}

// ------------------------------------------------------------------------------------------------ events

void ClusterPrimary::on_internal(ClusterEnd& at, const Value& message, int descriptor) {
  if (descriptor >= 0) return story_->wrong("a worker sends a handle");
  clock();
  machine_.message(worker_of(at), message);
  pump();
}

void ClusterPrimary::on_refused(ClusterEnd& at, wire::HandleId offer) {
  for (const auto& [id, held] : connections_) {
    if (held.at != &at || held.offer != offer) continue;
    met(Met::cluster_nack);
    clock();
    machine_.refused(cluster::ConnectionId{id});
    return pump();
  }
  story_->wrong("something is refused that is not on offer");
}

void ClusterPrimary::on_unshared(ClusterEnd& at, wire::HandleId handle) {
  const WorkerId worker = worker_of(at);
  const auto member = members_.find(worker);
  if (member == members_.end()) return;
  met(Met::cluster_share_failed);
  clock();
  machine_.share_failed(worker, member->second.shared.at(handle));
  pump();
}

void ClusterPrimary::on_baton(ClusterEnd& at) {
  clock();
  machine_.worker_is_baton(worker_of(at));
  pump();
}

void ClusterPrimary::on_end(ClusterEnd& at) {
  clock();
  const WorkerId worker = worker_of(at);
  if (machine_.worker(worker)->unanswered > 0) met(Met::cluster_channel_ended_with_offers);
  machine_.channel_ended(worker);
  at.disconnect();
  pump();
}

void ClusterPrimary::timer() {
  clock();
  pump();
}

std::uint64_t ClusterPrimary::due() const {
  std::uint64_t first = machine_due();
  for (const auto& [worker, member] : members_) first = std::min(first, member.end->due());
  return first;
}

bool ClusterPrimary::accept() {
  for (auto& [place, socket] : sockets_) {
    if (!socket.accepting || !machine_.accepts(place.first, place.second)) continue;
    const int descriptor = kernel().accept(pid_, socket.descriptor);
    if (descriptor < 0) continue;
    const cluster::ConnectionId id = next_connection_++;
    const int number = kernel().connection_of(pid_, descriptor);
    if (place.second != 0) met(Met::cluster_orphaned_socket_served);
    connections_[id] = {descriptor, nullptr, 0, number, 0};
    clock();
    machine_.accepted(place.first, id, std::to_string(number % 3));
    pump();
    return true;
  }
  return false;
}

bool ClusterPrimary::look() {
  if (looks_.empty()) return false;
  const auto which = story_->random().below(static_cast<std::uint32_t>(looks_.size()));
  const cluster::ConnectionId id = looks_[which];
  looks_.erase(looks_.begin() + static_cast<std::ptrdiff_t>(which));
  clock();
  const std::string value = std::to_string(id % 4);
  machine_.sticky_value(id, id % 4 == 0 ? std::nullopt : std::optional<std::string_view>(value));
  pump();
  return true;
}

bool ClusterPrimary::open_one() {
  if (opens_.empty()) return false;
  const auto which = story_->random().below(static_cast<std::uint32_t>(opens_.size()));
  const auto [listener, slot] = opens_[which];
  opens_.erase(opens_.begin() + static_cast<std::ptrdiff_t>(which));
  met(Met::cluster_opened_late);
  clock();
  open(listener, slot);
  pump();
  return true;
}

void ClusterPrimary::close_listeners() {
  clock();
  machine_.close_listeners();
  pump();
}

// ------------------------------------------------------------------------------------------------ actions

void ClusterPrimary::pump() {
  if (std::exchange(pumping_, true)) return;
  while (const auto action = machine_.next_action()) carry_out(*action);
  pumping_ = false;
}

void ClusterPrimary::carry_out(const PrimaryAction& action) {
  switch (action.kind) {
    case PrimaryAction::Kind::send:
      if (members_.contains(action.worker)) (void)members_.at(action.worker).end->say(action.message);
      if (action.message["errno"] == Value(-EADDRINUSE)) met(Met::cluster_query_refused);
      return;
    case PrimaryAction::Kind::offer:
      return offer(action);
    case PrimaryAction::Kind::take_back:
      return bring_back(connections_.at(action.connection));
    case PrimaryAction::Kind::close_connection:
      return close_connection(action);
    case PrimaryAction::Kind::open:
      return open(action);
    case PrimaryAction::Kind::share:
      return share(action);
    case PrimaryAction::Kind::accept:
      sockets_.at({action.listener, action.slot}).accepting = action.on;
      return;
    case PrimaryAction::Kind::close_listener:
      return close_listener(action.listener);
    case PrimaryAction::Kind::kill:
      met(action.signal == SIGTERM ? Met::cluster_orphan_terminated
          : machine_.worker(action.worker).has_value() && !channel_open(action.worker)
              ? Met::cluster_orphan_killed
              : Met::cluster_hung_worker_killed);
      return world_->signal(action.worker, action.signal);
    case PrimaryAction::Kind::look:
      looks_.push_back(action.connection);
      return;
    case PrimaryAction::Kind::look_no_more:
      if (std::erase(looks_, action.connection) == 0) story_->wrong("a look is ended that is not under way");
      return;
    case PrimaryAction::Kind::signal:
      // Late it is when the process cannot be looked at.
      if (story_->random().below(4) != 3) machine_.signal_settled(action.worker);
      return;
    case PrimaryAction::Kind::report:
      return story_->wrong(std::string("the primary reports ") + action.error->what());
    case PrimaryAction::Kind::online:
    case PrimaryAction::Kind::listening:
    case PrimaryAction::Kind::listen_failed:
    case PrimaryAction::Kind::stopped_listening:
    case PrimaryAction::Kind::signalled:
      return;
  }
}

void ClusterPrimary::open(const PrimaryAction& action) {
  if (!machine_.listener(action.listener))
    return story_->wrong("a listener is to be opened that does not exist");
  if (opens_late && story_->random().below(2) == 1) {
    opens_.emplace_back(action.listener, action.slot);
  } else {
    open(action.listener, action.slot);
  }
}

void ClusterPrimary::open(cluster::ListenerId id, unsigned slot) {
  if (fail_to_open && story_->random().below(2) == 1) {
    met(Met::cluster_open_failed);
    constexpr std::array errors{EADDRINUSE, ETIMEDOUT, ECANCELED};
    return machine_.open_failed(id, slot, errors[story_->random().below(3)]);
  }
  const int descriptor = kernel().listen(pid_, 6);
  if (descriptor < 0) return machine_.open_failed(id, slot, -descriptor);
  const auto listener = machine_.listener(id);
  // Whoever wanted it may be gone, and the listener with him.
  if (!listener) return (void)kernel().close(pid_, descriptor);
  sockets_[{id, slot}] = {descriptor, kernel().file_of(pid_, descriptor), false};
  const auto asked = listener->query.port.value_or(0);
  machine_.opened(id, slot, wire::Sockname{"::", "IPv6", asked > 0 ? asked : 4000});
}

void ClusterPrimary::offer(const PrimaryAction& action) {
  Held& held = connections_.at(action.connection);
  if (held.descriptor < 0) return story_->wrong("a connection is offered that is on offer");
  ClusterEnd& end = *members_.at(action.worker).end;
  const auto offer = end.offer(action.message, held.descriptor);
  if (!offer) return machine_.refused(action.connection);
  held.descriptor = -1;
  held.at = &end;
  held.offer = *offer;
  if (held.times++ > 0) met(Met::cluster_handed_on);
  if (machine_.worker(action.worker)->unanswered >= limits_.baton_window) met(Met::cluster_window_full);
}

void ClusterPrimary::share(const PrimaryAction& action) {
  const Socket& socket = sockets_.at({action.listener, action.slot});
  const int copy = kernel().duplicate(pid_, socket.descriptor);
  if (copy < 0) return story_->wrong("no descriptor for a shared socket");
  Member& member = members_.at(action.worker);
  if (const auto handle = member.end->share(action.message, copy)) {
    member.shared[*handle] = action.listener;
  } else {
    kernel().close(pid_, copy);
    machine_.share_failed(action.worker, action.listener);
  }
}

void ClusterPrimary::bring_back(Held& held) {
  if (held.at == nullptr) return;
  held.descriptor = held.at->take_back(held.offer);
  held.at = nullptr;
}

void ClusterPrimary::close_connection(const PrimaryAction& action) {
  Held& held = connections_.at(action.connection);
  bring_back(held);
  if (action.on) {
    met(Met::cluster_accepted);
    book_->accepted_by(held.number, world_->pid_of(action.worker));
  } else {
    book_->dropped(held.number);
    met(Met::cluster_dropped_with_its_listener);
  }
  kernel().close(pid_, held.descriptor);
  std::erase(looks_, action.connection);
  connections_.erase(action.connection);
}

void ClusterPrimary::close_listener(cluster::ListenerId listener) {
  for (auto socket = sockets_.begin(); socket != sockets_.end();) {
    if (socket->first.first != listener) {
      ++socket;
      continue;
    }
    met(Met::cluster_listener_closed);
    book_->listener_closed(socket->second.file);
    kernel().close(pid_, socket->second.descriptor);
    socket = sockets_.erase(socket);
  }
}

// ------------------------------------------------------------------------------------------------ state

std::vector<FileId> ClusterPrimary::listeners() const {
  std::vector<FileId> files;
  for (const auto& [place, socket] : sockets_) files.push_back(socket.file);
  return files;
}

std::string ClusterPrimary::outgrown() const {
  size_t unanswered = 0;
  for (const auto& [worker, member] : members_) {
    const auto view = machine_.worker(worker);
    if (!view) return "a worker is unknown to the machine";
    // Three ports at most.
    if (view->unanswered > size_t{3} * limits_.baton_window)
      return "a worker has more hand-offs than its windows";
    unanswered += view->unanswered;
  }
  if (unanswered != machine_.in_flight()) return "the ledgers do not agree on what is on offer";
  if (machine_.in_flight() + machine_.waiting() != connections_.size()) return "a connection is forgotten";
  if (machine_.requeued() == 0 && policy_.kind() != cluster::Policy::Kind::sticky && machine_.waiting() > 0) {
    return "a connection was accepted for which nobody had room";
  }
  return {};
}

}  // namespace baton::sim
