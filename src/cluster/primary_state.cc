#include "cluster/primary_state.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <string_view>

#include "cluster/inspect_port.h"
#include "wire/peer_value.h"

namespace baton::cluster {
namespace {

constexpr auto output_grace = std::chrono::seconds(5);
constexpr std::size_t most_gone = 1024;
constexpr auto removal_patience = std::chrono::milliseconds(300);  // of files, in all

// What a chooser throws must not end in the middle of the machine.
Policy contained(const Policy& policy, Loop& loop) {
  if (policy.kind() != Policy::Kind::chosen) return policy;
  return Policy::chosen([&loop, chooser = policy.chooser()](auto workers, std::string_view client) {
    try {
      return chooser(workers, client);
    } catch (...) {
      // Told later: who is told may call the primary.
      loop.defer([thrown = std::current_exception()] { std::rethrow_exception(thrown); });
      return std::size_t{0};
    }
  });
}

Policy policy_of(const PrimaryOptions& options, Loop& loop) {
  if (options.policy()) return contained(*options.policy(), loop);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a process of Baton has one thread.
  const char* asked = std::getenv("NODE_CLUSTER_SCHED_POLICY");
  return asked != nullptr && std::string_view(asked) == "none" ? Policy(Policy::Kind::shared) : Policy();
}

PrimaryLimits limits_of(const PrimaryOptions& options) {
  constexpr std::chrono::milliseconds shortest_hang(30);
  PrimaryLimits limits;
  // Other descriptors are wanted too: connections, what each worker has.
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    limits.listeners = std::clamp<rlim_t>(descriptors.rlim_cur / 4, 16, limits.listeners);
    limits.listeners_of_a_worker = std::min(limits.listeners_of_a_worker, limits.listeners / 4);
    limits.unanswered = std::clamp<rlim_t>(descriptors.rlim_cur / 8, 16, limits.unanswered);
    limits.looked = std::clamp<rlim_t>(descriptors.rlim_cur / 8, 16, limits.looked);
    limits.waiting_in_all = std::clamp<rlim_t>(descriptors.rlim_cur / 8, 16, limits.waiting_in_all);
  }
  limits.default_backlog = options.backlog();
  if (options.hang_timeout().count() > 0) {
    limits.hang_timeout = static_cast<Milliseconds>(std::max(options.hang_timeout(), shortest_hang).count());
  }
  return limits;
}

}  // namespace

Primary::State::State(Process& owner, PrimaryOptions how)
    : process(owner),
      options(std::move(how)),
      policy(policy_of(options, owner.loop())),
      machine(policy, limits_of(options), std::random_device()()) {
  for (const int descriptor : options.serve_from()) {
    Fd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
    if (!copy) throw Error(errno, "serve from descriptor " + std::to_string(descriptor), "dup");
    given.push_back(std::move(copy));
  }
}

// --- what the program does

WorkerProcess& Primary::State::fork(const WorkerOptions& how) {
  ForkOptions fork = how.fork().value_or(options.fork());
  SpawnOptions spawn = fork.spawn();
  const WorkerId id = last_worker + 1;
  if (options.silent()) {
    spawn.stdio(1, Stdio::pipe()).stdio(2, Stdio::pipe());
    if (!spawn.close_grace()) spawn.close_grace(output_grace);
  }
  for (const auto& [key, value] : how.env()) spawn.add_env(key, value);
  // Node takes itself for a worker by it.
  fork.channel() ? spawn.add_env("NODE_UNIQUE_ID", std::to_string(id)) : spawn.remove_env("NODE_UNIQUE_ID");
  const Environment environment = spawn.environment();
  if (const auto inspect =
          inspect_port_argument(fork.exec_args(), environment.get("NODE_OPTIONS").value_or(""), id)) {
    std::vector<std::string> exec_args = fork.exec_args();
    exec_args.push_back(*inspect);
    fork.exec_args(std::move(exec_args));
  }
  fork.spawn(std::move(spawn)).notice_senders();
  ForkedChild& child = process.fork(how.exec().value_or(options.exec()), fork);
  last_worker = id;
  let_newcomers_in();
  closing = false;  // who forks again has a service again, whose listeners outlive its workers

  const uint32_t slot = how.slot() > 0 ? how.slot() : free_slot();
  const auto [place, added] = workers.emplace(
      id, std::make_unique<WorkerProcess::State>(*this, process.loop(), id, slot, lanes[slot].next(), child));
  WorkerProcess::State& worker = *place->second;
  watch_channel(worker);
  watch_process(worker);
  feed([&] { machine.worker_started(id, slot); });
  process.loop().defer([weak = weak_from_this(), id] {
    const auto self = weak.lock();
    if (!self) return;
    if (WorkerProcess::State* forked = self->find(id)) self->on_fork.fire(self->process.loop(), forked->face);
  });
  return worker.face;
}

Op<> Primary::State::call_last() {
  Promise<>& promise = last_calls.emplace_back(process.loop(), "last call");
  auto op = promise.op();
  // Also while one is under way: a fork may have taken that back.
  turned_away = true;
  for (auto& [id, slots] : sockets) {
    for (auto& [slot, socket] : slots) socket.socket.turn_newcomers_away();
  }
  if (last_call) return op;
  last_call = net::LastCall(
      process.loop(), [this] { return somebody_waits(); },
      [this] {
        for (Promise<>& one : std::exchange(last_calls, {})) one.resolve({});
      });
  return op;
}

bool Primary::State::somebody_waits() const {
  if (machine.waiting() > 0 || machine.in_flight() > 0) return true;
  return std::ranges::any_of(sockets, [this](const auto& listener) {
    const auto view = machine.listener(listener.first);
    return view && view->sharing != Sharing::datagrams &&
           std::ranges::any_of(listener.second, [](const auto& one) { return one.second.somebody_waits(); });
  });
}

void Primary::State::let_newcomers_in() {
  if (!std::exchange(turned_away, false)) return;
  for (auto& [id, slots] : sockets) {
    for (auto& [slot, socket] : slots) socket.socket.let_newcomers_in();
  }
}

void Primary::State::disconnect_all() {
  closing = true;
  // Who is forked meanwhile is not meant.
  call_last().then([weak = weak_from_this(), last = last_worker](const Result<void>& called) {
    const auto self = weak.lock();
    if (!self || self->shut || !called) return;
    self->feed([&] {
      for (const auto& [id, worker] : self->workers) {
        if (id <= last && !worker->dead) self->machine.disconnect(id);
      }
    });
    self->settle_end();
  });
}

Op<> Primary::State::wait_for_end() {
  Promise<>& promise = end_waits.emplace_back(process.loop(), "end of workers");
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
  files_timer.stop();
  deadline.stop();
  last_call = net::LastCall();
  last_calls.clear();
  connections.clear();
  opening.clear();
  file_looks.clear();
  sockets.clear();
  const auto until = std::chrono::steady_clock::now() + removal_patience;
  for (const spawner::Lane& lane : removing) {
    const auto left = until - std::chrono::steady_clock::now();
    (void)lane.finish(std::max(std::chrono::ceil<std::chrono::milliseconds>(left), {}));
  }
  listener_watch.close();
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
  worker.speakers.emplace(process.loop(), [weak = weak_from_this(), id = worker.id](Speakers::Loss loss) {
    if (const auto self = weak.lock()) self->lost_speaker(id, loss);
  });
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
    on_disconnect.fire(process.loop(), worker.face);
    if (!shut) worker.on_disconnect.fire_once(process.loop());
  });
}

void Primary::State::watch_process(WorkerProcess::State& worker) {
  worker.child.on_exit([this, &worker](const ExitStatus& status) {
    const auto self = shared_from_this();
    feed([&] {
      worker.last_view = machine.worker(worker.id).value_or(PrimaryMachine::WorkerView());
      worker.dead = true;
      worker.speakers.reset();
      machine.worker_gone(worker.id);
    });
    on_exit.fire(process.loop(), worker.face, status);
    if (shut) return;
    worker.on_exit.fire_once(process.loop(), status);
    if (!shut) settle_end();
  });
  worker.child.on_close([this, &worker](const ExitStatus& status) {
    const auto self = shared_from_this();
    on_close.fire(process.loop(), worker.face, status);
    if (shut) return;
    worker.on_close.fire_once(process.loop(), status);
    process.loop().defer([weak = weak_from_this(), id = worker.id] {
      const auto still = weak.lock();
      if (still) still->forget(id);
    });
  });
}

// Who has kept a reference may still ask.
void Primary::State::forget(WorkerId id) {
  const auto found = workers.find(id);
  if (found == workers.end()) return;
  found->second->cut();
  gone.push_back(std::move(found->second));
  workers.erase(found);
  if (gone.size() > most_gone) gone.pop_front();
}

void Primary::State::on_message(WorkerProcess::State& worker, Message message) {
  const auto self = shared_from_this();
  on_message_slot.fire(process.loop(), worker.face, message);
  if (!shut) worker.on_message.fire(process.loop(), std::move(message));
}

void Primary::State::on_internal(WorkerProcess::State& worker, Message message) {
  if (message.has_handle()) {
    report(worker, Error(make_error_code(Errc::handle_unclaimed), "receive", message.handle_type()));
  }
  if (shut || !wire::is_cluster_message(message.value())) return;
  const Value& act = wire::early_member(message.value(), "act");
  note_speaker(worker, act);
  // What is refused anyway is to cost little.
  const bool asks = act == Value("queryServer") && machine.takes_query(worker.id);
  if (asks) return hear_query(worker, std::move(message));
  feed([&] { machine.message(worker.id, message.value()); });
}

void Primary::State::note_speaker(WorkerProcess::State& worker, const Value& act) {
  const bool asks_for_listener = act == Value("queryServer");
  if (!worker.speakers || (!asks_for_listener && act != Value("online"))) return;
  worker.speakers->heard(worker.child.sender(), worker.child.pid(), asks_for_listener);
}

// Whoever goes on in front of it holds the channel open, and would leave its listeners to nobody.
void Primary::State::lost_speaker(WorkerId id, Speakers::Loss loss) {
  WorkerProcess::State* worker = find(id);
  if (shut || worker == nullptr || worker->dead) return;
  // Who was told to leave has done so, and nobody else has heard it.
  if (loss == Speakers::Loss::server || worker->view().told_to_disconnect) return worker->child.peer_gone();
  feed([&] { machine.offline(id); });
}

void Primary::State::report(WorkerProcess::State& worker, const Error& error) {
  const auto self = shared_from_this();
  if (!on_error && !worker.on_error) return worker.reports.report(error);
  on_error.fire(process.loop(), worker.face, error);
  if (!shut) worker.on_error.fire(process.loop(), error);
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
