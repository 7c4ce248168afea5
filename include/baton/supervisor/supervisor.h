#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "baton/process/process.h"
#include "baton/supervisor/event.h"
#include "baton/supervisor/options.h"
#include "baton/supervisor/snapshot.h"

namespace baton::supervisor {

class Driver;

/// Keeps a number of workers of one program alive behind a `cluster::Primary`: what `baton run` is made of.
///
///     supervisor::Supervisor service(self, supervisor::Options("./server").workers(4));
///     service.on_event([](const Event& event) { std::cerr << event.describe() << "\n"; });
///     service.on_end([&](const End& end) { self.exit(end.reason() == EndReason::stopped ? 0 : 1); });
///     service.start();
///
/// Each worker has a slot, 1 to N, which its successors inherit. A worker that ends by itself is replaced:
/// at once after a stable life, after a growing wait otherwise. No signal is watched here; map the ones you
/// want to `stop`, `reload` and `scale`.
///
/// A worker is told to stop by being taken out of the choice of new connections, then by Node's `disconnect`;
/// a program that has never spoken the cluster's protocol by SIGTERM. 1 s after its channel has closed it
/// gets SIGTERM, and after `Options::kill_timeout` it is killed with all its descendants. What a worker
/// leaves behind when it ends gets SIGTERM, and SIGKILL after the same time.
class Supervisor {
 public:
  /// Starts nothing yet. `process` must outlive this and the end of its `run`.
  Supervisor(Process& process, Options options);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  /// Cuts the callbacks and kills what still runs, in the background of the loop.
  ~Supervisor();

  /// Opens the sockets and starts the workers, once. What fails is told by `on_end`, from the loop.
  void start();
  /// Replaces every worker: starts one, sees it ready, tells the old one to stop, and so on. The first new
  /// one lives for `Options::min_uptime` before an old one is told. A worker that does not become ready, or a
  /// first one that ends before it was tried, fails the reload; the old ones go on. Calls during a reload are
  /// merged into one reload after it.
  void reload();
  /// So many workers more or less, never less than 1; after the reloads that are due.
  void scale(int by);
  /// So many workers; misuse with 0. After the reloads that are due.
  void scale_to(unsigned workers);
  /// Replaces the worker of a slot as a reload does; nothing if there is no such slot.
  void replace(unsigned slot);
  /// Tells all workers to stop, after `Options::drain_delay`; then comes `on_end`. Nothing is started any
  /// more.
  void stop();
  /// Kills all workers with their descendants; then comes `on_end`.
  void kill();

  /// What happens, in order.
  void on_event(Handler<const Event&> callback);
  /// What the workers write, if it is captured. Without it, it is read and dropped.
  void on_output(Handler<const OutputLine&> callback);
  /// It is over, once: every worker is gone, with its descendants, and all output has been delivered.
  void on_end(Handler<const End&> callback);

  /// @{
  /// Stops and resumes reading the workers' output, for a reader that is slow; the workers then wait.
  void pause_output();
  void resume_output();
  /// @}

  /// What is so now.
  [[nodiscard]] Snapshot snapshot() const;
  /// What the workers use, by slot. A thread asks the kernel, about 50 us a worker; one that holds whoever
  /// looks at it is waited for two seconds, once, and left out as long as it does. Those who ask at the same
  /// time get the same answer. Fails with std::errc::operation_canceled when the supervisor goes first.
  [[nodiscard]] Op<std::vector<Usage>> usage();

 private:
  friend class Driver;
  std::shared_ptr<Driver> driver_;
};

}  // namespace baton::supervisor
