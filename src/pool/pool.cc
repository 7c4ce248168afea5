#include "baton/pool/pool.h"

#include <csignal>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "baton/loop/timer.h"
#include "loop/limited_reports.h"
#include "pool/pool_machine.h"

namespace baton {
namespace {

using pool::GiveJob;
using pool::JobId;
using pool::KillWorker;
using pool::LoseJob;
using pool::PoolMachine;
using pool::Slot;
using pool::StartWorker;

constexpr supervisor::RestartLimits limits{.min_uptime = std::chrono::seconds(1),
                                           .first_wait = std::chrono::milliseconds(100),
                                           .longest_wait = std::chrono::seconds(30),
                                           .deaths = 0};
constexpr std::chrono::milliseconds time_to_end{500};

}  // namespace

PoolOptions& PoolOptions::workers(std::size_t count) {
  if (count == 0) throw std::invalid_argument("a pool without workers");
  return workers_ = count, *this;
}
PoolOptions& PoolOptions::jobs_per_worker(std::size_t most) {
  if (most == 0 || most > most_jobs_per_worker) {
    throw std::invalid_argument("a pool whose workers have " + std::to_string(most) + " jobs each");
  }
  return jobs_per_worker_ = most, *this;
}

/// Carries out what the machine decides. Callbacks of the workers hold it weakly: they live as long as the
/// process does.
struct Pool::State : std::enable_shared_from_this<State> {
  struct Job {
    Value value;
    std::move_only_function<void(Result<Value>)> settle;
    Timer timeout;
    std::string death{};  // of the last worker that was at it
  };

  State(Process& owner, std::string name, PoolOptions how)
      : self(owner),
        module(std::move(name)),
        options(std::move(how)),
        reports(owner.loop(), [&loop = owner.loop()](std::string_view line) { loop.report(line); }),
        machine({.workers = options.workers(),
                 .jobs_per_worker = options.jobs_per_worker(),
                 .most_waiting = options.queue(),
                 .tries = options.retries() + 1,
                 .limits = limits}),
        workers(options.workers(), nullptr),
        leaving(options.workers()) {}

  std::function<void(bool)> begin(const Value& job, std::move_only_function<void(Result<Value>)> settle);
  void withdraw(JobId job, Errc why);
  void settle(JobId job, Result<Value> answer);
  void close() noexcept;
  void go_on();

  void carry_out(const StartWorker& action);
  void carry_out(const GiveJob& action);
  void carry_out(const KillWorker& action);
  void carry_out(const LoseJob& action);
  void keep_running(bool now);
  void kill(Slot slot) noexcept;
  void hung_up(Slot slot, ForkedChild& worker);
  void misspoke(Slot slot, ForkedChild& worker, const Error& error);
  void over(Slot slot, ForkedChild& worker, const ExitStatus& status);
  void answered(Slot slot, JobId job, Result<Value> answer);
  double chance() { return std::uniform_real_distribution<double>()(random); }

  Process& self;
  const std::string module;
  const PoolOptions options;
  LimitedReports reports;  // of what workers say that cannot be read
  PoolMachine machine;
  std::vector<ForkedChild*> workers;
  std::vector<Timer> leaving;  // by slot
  std::map<JobId, Job> jobs;
  std::vector<Promise<>> drain_waits;
  JobId last = 0;
  Timer again;
  std::minstd_rand random{std::random_device()()};
  bool carrying_out = false;
  bool keeps_running = false;
  bool closed = false;
};

// --- what the program does

Pool::Pool(Process& self, std::string module, PoolOptions options)
    : state_(std::make_shared<State>(self, std::move(module), std::move(options))) {
  state_->go_on();
}
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->close();
  state_ = std::move(other.state_);
  return *this;
}
Pool::~Pool() {
  if (state_) state_->close();
}

Pool::State& Pool::state() const {
  if (!state_) throw std::logic_error("this is no pool: it was moved away");
  return *state_;
}
Loop& Pool::loop() const { return state().self.loop(); }

Op<Value> Pool::run(const Value& job) {
  auto promise = std::make_shared<Promise<Value>>(loop(), "job");
  auto op = promise->op();
  promise->on_given_up(begin(job, [promise](Result<Value> answer) { promise->resolve(std::move(answer)); }));
  return op;
}

std::function<void(bool)> Pool::begin(const Value& job, std::move_only_function<void(Result<Value>)> settle) {
  return state().begin(job, std::move(settle));
}

Op<> Pool::drained() {
  Promise<>& promise = state().drain_waits.emplace_back(loop(), "the pool's jobs");
  auto op = promise.op();
  state().go_on();
  return op;
}
std::size_t Pool::running() const { return state().machine.running(); }
std::size_t Pool::waiting() const { return state().machine.waiting(); }

// --- jobs

std::function<void(bool)> Pool::State::begin(const Value& job,
                                             std::move_only_function<void(Result<Value>)> settle) {
  const JobId id = ++last;
  if (!machine.add(id)) {
    settle(failure(Errc::queue_full, "job", std::to_string(machine.waiting()) + " wait"));
    return [](bool) {};
  }
  Job& added = jobs.try_emplace(id, Job{job, std::move(settle), Timer()}).first->second;
  if (options.job_timeout()) {
    added.timeout = Timer(self.loop(), *options.job_timeout(), [this, id] { withdraw(id, Errc::timed_out); });
  }
  go_on();
  return [weak = weak_from_this(), id](bool dropped) {
    if (const auto state = weak.lock(); state && !dropped) state->withdraw(id, Errc::cancelled);
  };
}

void Pool::State::settle(JobId job, Result<Value> answer) {
  const auto found = jobs.find(job);
  if (found == jobs.end()) return;
  auto done = std::move(found->second.settle);
  jobs.erase(found);
  done(std::move(answer));
}

void Pool::State::withdraw(JobId job, Errc why) {
  if (!jobs.contains(job)) return;
  machine.withdraw(job);
  settle(job, failure(why, "job"));
  go_on();
}

// --- workers

void Pool::State::go_on() {
  if (carrying_out || closed) return;
  carrying_out = true;
  while (const auto action = machine.next_action()) {
    std::visit([this](const auto& what) { carry_out(what); }, *action);
  }
  carrying_out = false;
  if (const auto next = machine.next_start()) {
    again = Timer(self.loop(), *next - self.loop().now(), [this] {
      machine.due(self.loop().now());
      go_on();
    });
  }
  keep_running(!jobs.empty());
  if (!jobs.empty()) return;
  again.unref();
  for (Promise<>& each : std::exchange(drain_waits, {})) each.resolve({});
}

// A pool without a job keeps nobody running.
void Pool::State::keep_running(bool now) {
  if (std::exchange(keeps_running, now) == now) return;
  for (ForkedChild* worker : workers) {
    if (worker != nullptr) now ? worker->process().ref() : worker->process().unref();
  }
}

void Pool::State::carry_out(const StartWorker& action) {
  try {
    ForkedChild& worker = self.fork(module, options.fork());
    workers[action.slot] = &worker;
    worker.on_exit([weak = weak_from_this(), slot = action.slot, &worker](const ExitStatus& status) {
      // Behind the answer that it gave last.
      worker.loop().defer([weak, slot, &worker, status] {
        if (const auto state = weak.lock()) state->over(slot, worker, status);
      });
    });
    worker.on_disconnect([weak = weak_from_this(), slot = action.slot, &worker](bool /*asked for*/) {
      if (const auto state = weak.lock()) state->hung_up(slot, worker);
    });
    worker.on_error([weak = weak_from_this(), slot = action.slot, &worker](const Error& error) {
      if (const auto state = weak.lock()) state->misspoke(slot, worker, error);
    });
    worker.on_message([&worker, told = false](const Message& /*message*/) mutable {
      if (std::exchange(told, true)) return;
      worker.loop().report("pool: worker (pid " + std::to_string(worker.pid()) +
                           ") sends messages, which nobody takes; an answer is the reply of a request");
    });
    worker.unref();
    if (!keeps_running) worker.process().unref();
    machine.started(action.slot, self.loop().now());
  } catch (const Error& error) {
    self.loop().report("pool: " + std::string(error.what()));
    machine.not_started(action.slot, self.loop().now(), chance());
  }
}

void Pool::State::carry_out(const GiveJob& action) {
  const auto job = jobs.find(action.job);
  if (job == jobs.end() || !machine.has(action.slot, action.job)) return;
  workers[action.slot]
      ->request(job->second.value)
      .then([weak = weak_from_this(), slot = action.slot, job = action.job](Result<Value> answer) {
        if (const auto state = weak.lock()) state->answered(slot, job, std::move(answer));
      });
}

void Pool::State::answered(Slot slot, JobId job, Result<Value> answer) {
  if (closed) return;
  // Its end says why.
  if (!answer && answer.error().code() == Errc::disconnected) return;
  const bool wanted = machine.has(slot, job);
  machine.done(slot, job);
  if (wanted) settle(job, std::move(answer));
  go_on();
}

// What could not be read may have been an answer.
void Pool::State::misspoke(Slot slot, ForkedChild& worker, const Error& error) {
  if (closed || workers[slot] != &worker) return;
  reports.report(Error(error.code(),
                       "pool: worker (pid " + std::to_string(worker.pid()) + "): " + error.operation(),
                       error.step()));
  if (!machine.jobs_of(slot).empty()) kill(slot);
}

// Who has no channel any more gets no job and answers none: if it does not end by itself, it is ended.
void Pool::State::hung_up(Slot slot, ForkedChild& worker) {
  if (closed || workers[slot] != &worker || worker.status()) return;
  leaving[slot] = Timer(self.loop(), time_to_end, [this, slot, &worker] {
    if (workers[slot] != &worker) return;
    self.loop().report("pool: worker (pid " + std::to_string(worker.pid()) +
                       ") has closed its channel and goes on: it is killed");
    kill(slot);
  });
  leaving[slot].unref();
}

void Pool::State::carry_out(const KillWorker& action) { kill(action.slot); }

// The kernel may refuse: the worker runs as somebody else by now, and goes on as it likes.
void Pool::State::kill(Slot slot) noexcept {
  if (workers[slot] == nullptr) return;
  try {
    workers[slot]->kill(SIGKILL);
  } catch (const Error& error) {
    self.loop().report("pool: " + std::string(error.what()));
  }
}

void Pool::State::carry_out(const LoseJob& action) {
  const auto found = jobs.find(action.job);
  if (found == jobs.end()) return;
  settle(action.job, failure(Errc::disconnected, "job", found->second.death));
}

void Pool::State::over(Slot slot, ForkedChild& worker, const ExitStatus& status) {
  if (closed || workers[slot] != &worker) return;
  workers[slot] = nullptr;
  leaving[slot].stop();
  std::string end = "worker (pid " + std::to_string(worker.pid()) + "): " + status.describe();
  if (!worker.uncaught().empty()) end += " (" + worker.uncaught() + ")";
  for (const JobId job : machine.jobs_of(slot)) {
    if (const auto found = jobs.find(job); found != jobs.end()) found->second.death = end;
  }
  self.loop().report("pool: " + end);
  machine.died(slot, self.loop().now(), chance());
  go_on();
}

void Pool::State::close() noexcept {
  closed = true;
  again.stop();
  leaving.clear();
  for (Slot slot = 0; slot < workers.size(); ++slot) {
    ForkedChild* worker = workers[slot];
    if (worker == nullptr) continue;
    if (!machine.jobs_of(slot).empty()) kill(slot);
    worker->disconnect();
    worker->stop();
  }
  for (auto& [id, job] : std::exchange(jobs, {})) job.settle(failure(Errc::cancelled, "job"));
}

}  // namespace baton
