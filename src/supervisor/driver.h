#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "baton/cluster/primary.h"
#include "baton/loop/timer.h"
#include "baton/process/process.h"
#include "baton/supervisor/supervisor.h"
#include "loop/slot.h"
#include "supervisor/listen_sockets.h"
#include "supervisor/orphans_linux.h"
#include "supervisor/supervisor_machine.h"
#include "supervisor/worker_output.h"
#include "supervisor/worker_run.h"

namespace baton::supervisor {

/// Feeds a SupervisorMachine with what happens to real processes, and carries out what it asks for.
class Driver : public std::enable_shared_from_this<Driver> {
 public:
  Driver(Process& process, Options options);

  void start();
  void reload();
  void scale(int by);
  void stop();
  void kill();
  /// Nobody wants it any more: kills what runs, and is done.
  void abandon();

  void pause_output();
  void resume_output();
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::vector<Usage> usage() const;

  Slot<const Event&> on_event;
  Slot<const OutputLine&> on_output;
  Slot<const End&> on_end;

 private:
  using Runs = std::map<WorkerId, WorkerRun>;
  enum class Phase { idle, running, finishing, over };

  // What happens.
  Result<void> open();
  void watch_primary();
  void on_listening(cluster::WorkerProcess& process);
  void on_exit(cluster::WorkerProcess& process, const ExitStatus& status);
  void on_close(cluster::WorkerProcess& process);
  void on_listen_error(cluster::WorkerProcess& process, const Error& error);
  void measure_memory();
  [[nodiscard]] WorkerRun* find(const cluster::WorkerProcess& process);

  // What the machine asks for.
  void pump();
  void arm();
  void carry_out(const Action& action);
  void start_worker(const Action& action);
  void fork_worker(WorkerRun& run);
  void start_failed(WorkerRun& run, const Error& error);
  void tell(WorkerRun& run, bool by_signal);
  void signal(WorkerRun& run, int signal_number);
  void kill_tree(WorkerRun& run);
  void sweep(WorkerRun& run);
  spawner::TreeEnd& tree_of(WorkerRun& run);
  void tree_over(WorkerId id, const Result<void>& outcome);
  void note_ready(WorkerRun& run);
  void note_end(WorkerRun& run, const Action& action);
  void note_reload_failed(const Action& action);
  void announce_listeners();
  void close_listeners();
  void forget_if_over(WorkerId id);

  // The end.
  void end_with(EndReason reason);
  [[nodiscard]] std::string end_text(EndReason reason) const;
  void finish();
  bool orphans_are_left(bool patient);
  void release();

  [[nodiscard]] std::vector<std::string> listeners() const;
  void tell_event(const Event& event) { on_event.fire(event); }
  void later(Callback callback);
  [[nodiscard]] static Time now();

  Process& process_;
  Loop& loop_;
  const Options options_;
  std::mt19937_64 random_;
  SupervisorMachine machine_;
  std::unique_ptr<Orphans> orphans_;
  std::unique_ptr<NotifyFolder> notify_folder_;
  ListenSockets sockets_;
  std::optional<cluster::Primary> primary_;
  Runs runs_;
  std::map<WorkerId, std::unique_ptr<WorkerOutput>> outputs_;
  bool output_paused_ = false;

  Phase phase_ = Phase::idle;
  Timer timer_;
  std::optional<Time> armed_for_;
  Timer memory_timer_;
  bool pumping_ = false;
  bool ever_started_ = false;  // a process
  std::set<std::string> announced_;
  bool listeners_closed_ = false;

  std::optional<End> end_;
  std::string last_words_;  // of the worker that has ended last
  std::string end_words_;   // why it cannot go on
  Time finish_by_{0};
  Timer finish_timer_;

  // Counters.
  std::map<std::pair<std::optional<int>, std::optional<int>>, uint64_t> exits_;
  std::map<std::string, uint64_t> restarts_;
  std::map<unsigned, std::string> ended_because_;  // by slot, until its next start
  std::map<unsigned, uint64_t> accepted_;          // by slot, of workers that are closed
  uint64_t reloads_done_ = 0;
  uint64_t reloads_failed_ = 0;
  uint64_t ready_count_ = 0;
  Time ready_time_{0};
};

}  // namespace baton::supervisor
