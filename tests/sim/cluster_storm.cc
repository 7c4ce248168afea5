#include "sim/cluster_storm.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "sim/cluster_storm_run.h"
#include "sim/coverage.h"

namespace baton::sim {
namespace {

constexpr Pid primary_pid = 0;
constexpr std::uint32_t plenty = 4000;  // descriptors
constexpr std::uint32_t most_clients = 40;
constexpr std::size_t most_workers = 12;

}  // namespace

// ------------------------------------------------------------------------------------------------ the cast

std::optional<Failure> ClusterStorm::run(Random& random, bool hands_over) {
  random_ = &random;
  begin(random, choose_policy(hands_over));
  nodes_ = below(2) == 1;
  const std::uint32_t steps = below(800);
  for (std::uint32_t i = random.between(1, 3); i > 0; --i) start_worker(i, nodes_ && below(2) == 1);
  // Most storms begin when everybody listens.
  for (std::uint32_t i = below(4) == 3 ? 0 : 12; i > 0; --i) round();
  for (std::uint32_t i = 0; i < steps && book_.first_wrong().empty(); ++i) {
    step();
    check();
  }
  calm_down();
  come_to_rest();
  if (below(4) == 3) {
    primary_dies();
  } else {
    leave_all();
  }
  return result();
}

// The clock stands still, so that nobody is ever passed over for being slow.
std::optional<Failure> ClusterStorm::turns(Random& random) {
  random_ = &random;
  begin(random, cluster::Policy());
  undisturbed_ = true;
  model_.faults = {};
  leap_ = 0;
  ports_ = {80};
  const std::uint32_t workers = random.between(1, 5);
  for (std::uint32_t i = 1; i <= workers; ++i) start_worker(i, false);
  for (int i = 0; i < 200; ++i) round();
  while (clients_ < most_clients / 2 && book_.first_wrong().empty()) {
    if (below(3) == 2) {
      client();
    } else {
      io();
    }
    check();
  }
  come_to_rest();
  std::uint64_t least = plenty;
  std::uint64_t most = 0;
  for (const auto& member : members_) {
    const std::uint64_t handed = primary_->machine().worker(member->id)->handed;
    least = std::min(least, handed);
    most = std::max(most, handed);
  }
  if (book_.first_wrong().empty() && most - least > 1) wrong("the turns are not exact");
  leave_all();
  return result();
}

std::optional<Failure> ClusterStorm::result() {
  primary_.reset();
  members_.clear();
  std::string said = book_.first_wrong();
  if (said.empty()) said = model_.violation();
  if (said.empty()) said = model_.audit();
  if (said.empty()) return std::nullopt;
  return Failure{std::move(said)};
}

cluster::Policy ClusterStorm::choose_policy(bool hands_over) {
  using cluster::Policy;
  if (!hands_over) return below(2) == 0 ? Policy::Kind::shared : Policy::Kind::reuse_port;
  switch (below(8)) {
    case 4:
      return Policy::Kind::least_loaded;
    case 5:
      return Policy::Kind::sticky;
    case 6:
      return Policy::sticky(Policy::Sticky::cookie, "session");
    case 7:
      return Policy::chosen([](std::span<const cluster::Candidate> workers, std::string_view client) {
        return workers.size() - (client == "0" ? 1 : workers.size());
      });
    default:
      return Policy();
  }
}

void ClusterStorm::begin(Random& random, cluster::Policy policy) {
  now_ = 0;
  calm_ = leaving_ = undisturbed_ = false;
  clients_ = 0;
  next_worker_ = 1;
  primary_.reset();
  members_.clear();
  model_.reset(random);
  book_.reset();
  model_.faults = {.short_send = some(),
                   .short_receive = some(),
                   .blocked_send = some(),
                   .blocked_receive = some(),
                   .interrupted = some(),
                   .no_memory = some(),
                   .dropped_descriptors = below(6) == 5 ? std::uint16_t{700} : some()};
  model_.privileged = below(4) != 3;
  io_share_ = random.between(24, 52);
  leap_ = below(2) == 0 ? 40 : 300;
  ports_ = {80};
  if (below(3) == 2) ports_.push_back(below(2) == 0 ? 81 : 0);
  model_.start(-1, plenty);
  cluster::PrimaryLimits limits;
  limits.baton_window = random.between(1, 5);
  limits.waiting = 8;
  limits.waiting_for_one = 3;
  limits.looked = 4;
  if (below(5) == 4) limits.hang_timeout = random.between(1000, 3000);
  primary_ = std::make_unique<ClusterPrimary>(*this, book_, *this, primary_pid, std::move(policy), limits);
  primary_->fail_to_open = below(8) == 7;
  primary_->opens_late = below(3) == 2;
}

ClusterStorm::Member& ClusterStorm::start_worker(unsigned slot, bool node) {
  const Buffer buffer{
      .capacity = random_->between(400, 4000), .piece = random_->between(30, 1000), .overhead = below(20)};
  int ends[2] = {};
  model_.socket_pair(primary_pid, ends, buffer);
  const Pid pid = model_.start(primary_pid, 64);
  const int inherited = model_.inherit(primary_pid, ends[1], pid);
  model_.close(primary_pid, ends[1]);
  const cluster::WorkerId id = next_worker_++;
  auto member = std::make_unique<Member>(Member{id, slot, nullptr});
  if (node) {
    member->worker = std::make_unique<NodeWorker>(*this, book_, pid, inherited);
  } else {
    member->worker =
        std::make_unique<BatonWorker>(*this, book_, pid, inherited, undisturbed_ || below(4) != 3);
  }
  members_.push_back(std::move(member));
  primary_->add(id, slot, ends[0]);
  for (const int port : ports_) members_.back()->worker->listen(port);
  return *members_.back();
}

ClusterStorm::Member* ClusterStorm::member_of(cluster::WorkerId worker) {
  for (const auto& member : members_) {
    if (member->id == worker) return member.get();
  }
  return nullptr;
}

Pid ClusterStorm::pid_of(cluster::WorkerId worker) { return member_of(worker)->worker->pid(); }

// Only Nodes speak through the story; the others have an end of their own.
void ClusterStorm::delivered(Peer& at, const Value& message, int descriptor, bool /*keyed*/) {
  for (const auto& member : members_) {
    if (&member->worker->wire() == &at) dynamic_cast<NodeWorker&>(*member->worker).heard(message, descriptor);
  }
}

void ClusterStorm::ended(Peer& at) {
  for (const auto& member : members_) {
    if (&member->worker->wire() == &at) dynamic_cast<NodeWorker&>(*member->worker).ended();
  }
}

// ------------------------------------------------------------------------------------------------ one step

void ClusterStorm::step() {
  ++now_;
  if (below(64) == 63) now_ += leap_;
  const std::uint32_t choice = below(64);
  if (choice < io_share_) return io();
  if (choice < 55) return client();
  if (choice < 60) return program();
  trouble();
}

void ClusterStorm::io() {
  for (std::uint32_t i = below(4); i < 4; ++i) one_io();
}

void ClusterStorm::one_io() {
  Member& member = any();
  const bool primary_runs = model_.runnable(primary_pid);
  switch (below(4)) {
    case 0:
      if (member.worker->running()) (void)run_member(member);
      return;
    case 1:
      if (!primary_runs) return;
      for (std::size_t i = below(std::size(acts)), tries = 0; tries < std::size(acts); ++i, ++tries) {
        if (primary_->act(member.id, acts[i % std::size(acts)])) return;
      }
      return;
    case 2:
      if (!primary_runs) return;
      if (primary_->machine_due() <= now_) primary_->timer();
      if (!primary_->accept() && !primary_->look()) (void)primary_->open_one();
      return;
    default:
      if (below(2) == 0 || !member.worker->accept()) (void)member.worker->work();
      if (member.worker->running() && member.worker->due() <= now_) member.worker->timer();
  }
}

// One act of a worker's end.
bool ClusterStorm::run_member(Member& member) {
  Peer& wire = member.worker->wire();
  const std::uint32_t first = below(std::size(acts));
  for (std::size_t i = 0; i < std::size(acts); ++i) {
    const Act act = acts[(first + i) % std::size(acts)];
    if (!wire.ready(act)) continue;
    wire.act(act);
    return true;
  }
  return member.worker->exit_if_done();
}

void ClusterStorm::client() {
  const auto listeners = primary_->listeners();
  if (listeners.empty() || clients_ >= most_clients) return;
  const FileId listener = listeners[below(listeners.size())];
  const int connection = model_.connect(listener);
  if (connection < 0) return;
  ++clients_;
  book_.connected(connection);
  book_.belongs_to(connection, listener);
  if (below(8) == 7) model_.hang_up(connection);
}

void ClusterStorm::program() {
  Member& member = any();
  ClusterWorker& worker = *member.worker;
  const int port = ports_[below(ports_.size())];
  switch (below(8)) {
    case 0:
    case 1:
      if (worker.running()) worker.listen(port);
      return;
    case 2:
      if (worker.running()) worker.close_server(port);
      return;
    case 3:
      if (worker.running()) worker.max_connections(below(2) == 0 ? std::nullopt : std::optional(below(3)));
      return;
    case 4:
      if (worker.running()) worker.lag(below(200));
      return;
    case 5:
      if (worker.running() && below(3) == 2) worker.leave();
      return;
    case 6:
      if (model_.runnable(primary_pid)) primary_->disconnect(member.id, below(2) == 1);
      return;
    default:
      reload();
  }
}

// A new worker in the place of an old one, which is told to leave when the new one listens.
void ClusterStorm::reload() {
  if (!model_.runnable(primary_pid) || members_.size() >= most_workers) return;
  Member& old = any();
  (void)start_worker(old.slot, nodes_ && below(2) == 1);
  if (below(2) == 1) primary_->disconnect(old.id, below(2) == 1);
}

void ClusterStorm::trouble() {
  Member& member = any();
  switch (below(10)) {
    case 0:
    case 1:
    case 2:
      for (const auto& one : members_) see_death(*one);
      return;
    case 3:
      kill(member, SIGKILL);
      if (members_.size() < most_workers && model_.runnable(primary_pid))
        start_worker(member.slot, nodes_ && below(2) == 1);
      return;
    case 4:
      if (member.worker->alive()) {
        if (member.worker->has_work()) met(Met::cluster_stopped_with_connections);
        model_.stop(member.worker->pid());
      }
      return;
    case 5:
      if (below(2) == 1) model_.stop(primary_pid);
      return;
    case 6:
      model_.set_limit(member.worker->pid(), below(6));
      return;
    case 7:
      model_.set_limit(member.worker->pid(), 64);
      return;
    case 8:
      if (below(3) == 2) member.worker->go_mad();
      return;
    default:
      for (Pid pid = 0; pid < model_.process_count(); ++pid) {
        if (model_.stopped(pid)) model_.resume(pid);
      }
  }
}

void ClusterStorm::kill(Member& member, int signal) {
  if (!member.worker->alive()) return;
  if (member.worker->has_work()) met(Met::cluster_killed_with_connections);
  model_.kill(member.worker->pid(), signal);
}

// A stopped process hears of a signal later; here, never: SIGKILL follows.
void ClusterStorm::signal(cluster::WorkerId worker, int signal) {
  Member& member = *member_of(worker);
  if (calm_ && !member.worker->mad() && member.worker->alive()) wrong("a healthy worker is killed");
  if (signal == SIGKILL || (model_.runnable(member.worker->pid()) && below(2) == 0)) kill(member, signal);
}

void ClusterStorm::see_death(Member& member) {
  if (member.death_seen || member.worker->alive() || !model_.runnable(primary_pid)) return;
  member.death_seen = true;
  primary_->saw_death(member.id);
}

void ClusterStorm::check() {
  if (!model_.violation().empty()) wrong(model_.violation());
  if (std::string said = primary_->outgrown(); !said.empty()) wrong(std::move(said));
}

namespace {

ClusterStorm& storm() {
  static ClusterStorm one;
  return one;
}

}  // namespace

std::optional<Failure> cluster_storm(Random& random) { return storm().run(random, true); }
std::optional<Failure> shared_cluster_storm(Random& random) { return storm().run(random, false); }
std::optional<Failure> cluster_turns(Random& random) { return storm().turns(random); }

}  // namespace baton::sim
