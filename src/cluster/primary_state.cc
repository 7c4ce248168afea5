#include "cluster/primary_state.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>

namespace baton::cluster {
namespace {

Policy policy_of(const PrimaryOptions& options) {
  if (options.policy()) return *options.policy();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a process of Baton has one thread.
  const char* asked = std::getenv("NODE_CLUSTER_SCHED_POLICY");
  return asked != nullptr && std::string_view(asked) == "none" ? Policy(Policy::Kind::shared) : Policy();
}

PrimaryLimits limits_of(const PrimaryOptions& options) {
  constexpr std::chrono::milliseconds shortest_hang(30);
  PrimaryLimits limits;
  limits.default_backlog = options.backlog();
  if (options.hang_timeout().count() > 0) {
    limits.hang_timeout = static_cast<Milliseconds>(std::max(options.hang_timeout(), shortest_hang).count());
  }
  return limits;
}

}  // namespace

Primary::State::State(Process& owner, PrimaryOptions given)
    : process(owner),
      options(std::move(given)),
      policy(policy_of(options)),
      machine(policy, limits_of(options), std::random_device()()) {}

// --- what the program does

WorkerProcess& Primary::State::fork(const WorkerOptions& how) {
  ForkOptions fork = how.fork().value_or(options.fork());
  SpawnOptions spawn = fork.spawn();
  const WorkerId id = last_worker + 1;
  if (options.silent()) spawn.stdio(1, Stdio::pipe()).stdio(2, Stdio::pipe());
  for (const auto& [key, value] : how.env()) spawn.add_env(key, value);
  spawn.add_env("NODE_UNIQUE_ID", std::to_string(id));
  fork.spawn(std::move(spawn));
  ForkedChild& child = process.fork(how.exec().value_or(options.exec()), fork);
  last_worker = id;

  const uint32_t slot = how.slot() > 0 ? how.slot() : free_slot();
  const auto [place, added] =
      workers.emplace(id, std::make_unique<WorkerProcess::State>(*this, id, slot, child));
  WorkerProcess::State& worker = *place->second;
  watch_channel(worker);
  watch_process(worker);
  feed([&] { machine.worker_started(id, slot); });
  process.loop().defer([weak = weak_from_this(), id] {
    const auto self = weak.lock();
    if (!self) return;
    if (WorkerProcess::State* forked = self->find(id)) self->on_fork.fire(forked->face);
  });
  return worker.face;
}

void Primary::State::disconnect_all() {
  closing = true;
  feed([&] {
    for (const auto& [id, worker] : workers) {
      if (!worker->dead) machine.disconnect(id);
    }
  });
  process.loop().defer([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->settle_end();
  });
}

Op<> Primary::State::wait_for_end() {
  Promise<>& promise = end_waits.emplace_back(process.loop());
  auto op = promise.op();
  settle_end();
  return op;
}

// Who waits for the end is told when no process is left; what still holds a channel does not count.
void Primary::State::settle_end() {
  if (shut || !std::ranges::all_of(workers, [](const auto& entry) { return entry.second->dead; })) return;
  if (workers.empty() && last_worker == 0 && !closing) return;
  if (closing) feed([&] { machine.close_listeners(); });
  for (Promise<>& promise : std::exchange(end_waits, {})) promise.resolve({});
}

void Primary::State::shut_down() {
  shut = true;
  deadline.stop();
  connections.clear();
  sockets.clear();
  end_waits.clear();
  for (const auto& [id, worker] : workers) {
    ForkedChild& child = worker->child;
    child.on_internal({});
    child.on_internal_refused({});
    child.on_refused({});
    child.on_peer_baton({});
    child.on_message({});
    child.on_disconnect({});
    child.on_error({});
    child.on_exit({});
    child.on_close({});
    if (!worker->dead) child.stop();
  }
}

WorkerProcess::State* Primary::State::find(WorkerId id) const {
  const auto found = workers.find(id);
  return found == workers.end() ? nullptr : found->second.get();
}

uint32_t Primary::State::free_slot() const {
  std::vector<uint32_t> taken;
  for (const auto& [id, worker] : workers) {
    if (!worker->dead) taken.push_back(worker->slot);
  }
  std::ranges::sort(taken);
  uint32_t slot = 1;
  for (const uint32_t other : taken) {
    if (other == slot) ++slot;
  }
  return slot;
}

// --- what happens

void Primary::State::watch_channel(WorkerProcess::State& worker) {
  ForkedChild& child = worker.child;
  child.on_internal([this, &worker](Message message) { on_internal(worker, std::move(message)); });
  child.on_message([this, &worker](Message message) { on_message(worker, std::move(message)); });
  child.on_peer_baton([this, &worker] { feed([&] { machine.worker_is_baton(worker.id); }); });
  child.on_refused([this, &worker](uint64_t offer) {
    const auto found = worker.offers.find(offer);
    if (found != worker.offers.end()) feed([&] { machine.refused(found->second); });
  });
  child.on_error([this, &worker](const Error& error) { report(worker, error); });
  child.on_disconnect([this, &worker](bool) {
    const auto self = shared_from_this();
    worker.disconnected = true;
    if (!worker.dead) feed([&] { machine.channel_ended(worker.id); });
    on_disconnect.fire(worker.face);
    if (!shut) worker.on_disconnect.fire_once();
  });
}

void Primary::State::watch_process(WorkerProcess::State& worker) {
  worker.child.on_exit([this, &worker](const ExitStatus& status) {
    const auto self = shared_from_this();
    feed([&] {
      worker.last_view = machine.worker(worker.id).value_or(PrimaryMachine::WorkerView());
      worker.dead = true;
      machine.worker_gone(worker.id);
    });
    on_exit.fire(worker.face, status);
    if (shut) return;
    worker.on_exit.fire_once(status);
    if (!shut) settle_end();
  });
  worker.child.on_close([this, &worker](const ExitStatus& status) {
    const auto self = shared_from_this();
    on_close.fire(worker.face, status);
    if (shut) return;
    worker.on_close.fire_once(status);
    process.loop().defer([weak = weak_from_this(), id = worker.id] {
      const auto still = weak.lock();
      if (still) still->workers.erase(id);
    });
  });
}

void Primary::State::on_message(WorkerProcess::State& worker, Message message) {
  const auto self = shared_from_this();
  on_message_slot.fire(worker.face, message);
  if (!shut) worker.on_message.fire(std::move(message));
}

void Primary::State::on_internal(WorkerProcess::State& worker, Message message) {
  if (message.has_handle()) {
    report(worker, Error(make_error_code(Errc::handle_unclaimed), "receive", message.handle_type()));
  }
  if (!shut && wire::is_cluster_message(message.value())) {
    feed([&] { machine.message(worker.id, message.value()); });
  }
}

void Primary::State::report(WorkerProcess::State& worker, const Error& error) {
  const auto self = shared_from_this();
  if (!on_error && !worker.on_error) {
    std::fprintf(stderr, "baton: worker %u: %s\n", worker.id, error.what());
    return;
  }
  on_error.fire(worker.face, error);
  if (!shut) worker.on_error.fire(error);
}

std::vector<Listening> Primary::State::listeners() const {
  std::vector<Listening> result;
  for (const ListenerId id : machine.listeners()) {
    const auto listener = machine.listener(id);
    if (listener && listener->open) result.push_back(bound(*listener));
  }
  return result;
}

}  // namespace baton::cluster
