#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "baton/loop/op.h"
#include "baton/process/process.h"
#include "baton/wire/payload.h"
#include "baton/wire/value.h"

namespace baton {

/// How a Pool works.
class PoolOptions {
 public:
  /// A length of time.
  using Time = std::chrono::nanoseconds;

  /// How many workers; one for each core (`available_parallelism`) unless set. 0 throws
  /// std::invalid_argument.
  PoolOptions& workers(std::size_t count);
  /// How many jobs a worker has at most: one, unless set. With more it finds the next one there when it is
  /// done with one, which for jobs of some microseconds is several times as fast; but a job may wait for a
  /// long one before it while another worker is idle, and a worker whose answers are tasks is at all of them
  /// at once (of those that are read beside the loop, at 16: see `Channel::on_request`). Throws
  /// std::invalid_argument for 0 and for more than `most_jobs_per_worker`. Mirrors `concurrentTasksPerWorker`
  /// of piscina.
  PoolOptions& jobs_per_worker(std::size_t most);
  /// So many requests a worker answers at once.
  static constexpr std::size_t most_jobs_per_worker = 1024;
  /// How many jobs may wait for a worker; 1,000. What comes then fails with Errc::queue_full.
  PoolOptions& queue(std::size_t jobs) { return queue_ = jobs, *this; }
  /// How long each job may take, from `run` on; no limit unless set. Then it is taken back, as a wait that is
  /// given up.
  PoolOptions& job_timeout(Time time) { return job_timeout_ = time, *this; }
  /// How often a job is given to another worker when the one that had it dies; once unless set, and then to
  /// one that has no other. 0: the job fails with its first worker, as jobs must that may not be done twice.
  PoolOptions& retries(unsigned times) { return retries_ = times, *this; }
  /// How the workers are started: arguments, environment, interpreter, limits.
  PoolOptions& fork(ForkOptions options) { return fork_ = std::move(options), *this; }

  /// @{
  /// What was set.
  [[nodiscard]] std::size_t workers() const noexcept { return workers_; }
  [[nodiscard]] std::size_t jobs_per_worker() const noexcept { return jobs_per_worker_; }
  [[nodiscard]] std::size_t queue() const noexcept { return queue_; }
  [[nodiscard]] const std::optional<Time>& job_timeout() const noexcept { return job_timeout_; }
  [[nodiscard]] unsigned retries() const noexcept { return retries_; }
  [[nodiscard]] const ForkOptions& fork() const noexcept { return fork_; }
  /// @}

 private:
  std::size_t workers_ = available_parallelism();
  std::size_t jobs_per_worker_ = 1;
  std::size_t queue_ = 1000;
  std::optional<Time> job_timeout_;
  unsigned retries_ = 1;
  ForkOptions fork_;
};

/// Child processes that do jobs, one each at a time unless set otherwise: the cure for work on the CPU that
/// would hold up the loop. A worker is an entry of this program, another executable or a Node script, as for
/// `Process::fork`; it answers requests (`Channel::on_request`), and each job is one:
///
///     void worker(Process& self) {
///       self.parent().on_request([](const Job& job) { return resize(job); });
///     }
///     ...
///     Pool pool(self, "worker");
///     const Job job = {1, "a.png"};
///     Done done = co_await pool.run<Done>(job);
///
/// A worker that dies is replaced: at once, or, if it has lived for less than a second, after 50 ms and more,
/// up to 30 s. One that closes its channel has half a second to end; one
/// that says what cannot be read while it has a job is killed. What a worker sends beside its answers
/// is dropped, with one line. Each death is a line (`Loop::on_report`). What Node's `workerpool` and
/// `piscina` are.
class Pool {
 public:
  /// Starts the workers. Throws what `Process::fork` throws of the first one but an Error, which is told as a
  /// death is. `self` must outlive it.
  Pool(Process& self, std::string module, PoolOptions options = PoolOptions());
  /// @{
  /// Moves; the other is empty afterwards: every call but assignment and destruction throws
  /// std::logic_error.
  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;
  /// @}
  /// Jobs that are not done fail with Errc::cancelled. The workers' channels end, and with them the workers;
  /// one that is at work is killed.
  ~Pool();

  /// Gives `job` to the next worker that is free, in the order of the calls. Settles with its answer. Fails
  /// with Errc::peer_failed and what the worker says (it goes on), Errc::queue_full, Errc::timed_out, and
  /// with Errc::disconnected when as many workers have died with it as may. Giving the wait up (`within`,
  /// `cancel_on`) takes the job back: the worker that is at it is killed, and other jobs that it
  /// has are given to another, or fail where there are no `retries`. A job that a worker has behind others is
  /// left there, and its answer forgotten. Dropping the Op does not take it back.
  Op<Value> run(const Value& job);
  /// The same; the answer is a Reply: a struct with BATON_FIELDS, or what else `from_value` reads. One that
  /// does not fit fails with Errc::wrong_value.
  template <class Reply>
  Op<Reply> run(const Value& job) {
    Promise<Reply> promise(loop(), "job");
    auto op = promise.op();
    auto shared = std::make_shared<Promise<Reply>>(std::move(promise));
    auto take_back = begin(job, [shared](Result<Value> answer) {
      shared->resolve(answer ? from_value<Reply>(*answer) : Result<Reply>(std::unexpected(answer.error())));
    });
    shared->on_given_up(std::move(take_back));
    return op;
  }

  /// A struct without BATON_FIELDS (`wire/payload.h`) is no job: does not compile.
  template <class... Reply, class T>
    requires(!std::convertible_to<const T&, Value>)
  Op<Value> run(const T& /*job*/) {
    detail::refuse_message<T>();
  }

  /// Settles when no job waits or is at work. May be asked again.
  Op<> drained();
  /// @{
  /// The load: how many jobs the workers have, and how many wait.
  [[nodiscard]] std::size_t running() const;
  [[nodiscard]] std::size_t waiting() const;
  /// @}

 private:
  struct State;
  [[nodiscard]] Loop& loop() const;
  [[nodiscard]] State& state() const;
  // Returns what is to be called when nobody waits for it any more.
  std::function<void(bool)> begin(const Value& job, std::move_only_function<void(Result<Value>)> settle);

  std::shared_ptr<State> state_;
};

}  // namespace baton
