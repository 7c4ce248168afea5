#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/report_limit.h"
#include "baton/cluster/primary.h"
#include "baton/loop/timer.h"
#include "baton/process/process.h"
#include "baton/supervisor/supervisor.h"
#include "loop/slot.h"
#include "net/last_call.h"
#include "spawn/look_linux.h"
#include "supervisor/listen_sockets.h"
#include "supervisor/orphans_linux.h"
#include "supervisor/supervisor_machine.h"
#include "supervisor/usage_looks.h"
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
  void scale_to(unsigned workers);
  void replace(unsigned slot);
  void stop();
  void kill();
  /// Nobody wants it any more: kills what runs, and is done.
  void abandon();

  void pause_output();
  void resume_output();
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] Op<std::vector<Usage>> usage();

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
  void on_listen_error(cluster::WorkerProcess& process, const cluster::Listening& where, const Error& error);
  void note_exit(WorkerRun& run);
  void note_exits();
  bool tell_exit(WorkerRun& run);
  void note_gone_if_over(const std::vector<WorkerId>& whom);
  void note_problem(WorkerRun& run, const Error& error);
  void on_shut_down(const std::string& address, cluster::ShutDown how);
  // Whether one more of that kind, of which workers can make many, is told.
  bool is_told(std::string_view kind);
  void tell_rests();
  [[nodiscard]] ListenSockets::Tell tell_shut_down();
  void measure_memory();
  void note_memory(WorkerId id, uint64_t bytes);
  [[nodiscard]] WorkerRun* find(const cluster::WorkerProcess& process);

  // What is ready.
  void saw(WorkerId id, Sign sign);
  void see_services();
  void see_service(const WorkerRun& run);
  [[nodiscard]] std::vector<cluster::Listening> service_before(unsigned slot) const;
  void look_at_backlogs();
  void look_at_ports(WorkerId only, Callback then);
  void look_at_ports_of(const std::vector<WorkerId>& whom, Callback then);
  void ask(unsigned slot);
  void obey_after_a_look_at_ports(unsigned slot);
  void obey(unsigned slot);
  void note_ports();
  void note_belief(WorkerId id, Sign sign);
  bool tell_of_own_ports();
  void look_again_after(Time pause);
  void await_ports();
  void look_for_holder(WorkerRun& run, const Error& error, const cluster::Listening& where);

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
  [[nodiscard]] bool is_left_by(WorkerId id, const spawner::ProcessEntry& orphan,
                                const std::optional<std::string>& claimed) const;
  void look_behind(WorkerRun& run);
  [[nodiscard]] std::string goes_on_behind(const std::vector<spawner::ProcessEntry>& left) const;
  void note_gone(WorkerRun& run);
  void tree_over(WorkerId id, const Result<void>& outcome);
  void note_ready(WorkerRun& run, Sign sign);
  void note_end(WorkerRun& run, const Action& action);
  void note_reload_failed(const Action& action);
  void announce_listeners();
  void call_last();
  void close_listeners();
  void forget_if_over(WorkerId id);

  // The end.
  void end_with(EndReason reason);
  [[nodiscard]] std::string end_text(EndReason reason) const;
  void finish();
  [[nodiscard]] bool orphans_are_left(bool patient, const Orphans::Left& left);
  void finish_outputs(bool patient);
  void end_descendants();
  void release();

  [[nodiscard]] std::vector<std::string> listeners() const;
  void tell_event(const Event& event) { on_event.fire(loop_, event); }
  void later(Callback callback);
  [[nodiscard]] static Time now();

  Process& process_;
  Loop& loop_;
  const Options options_;
  net::ListenerWatch listen_watch_;
  std::mt19937_64 random_;
  SupervisorMachine machine_;
  std::unique_ptr<Orphans> orphans_;
  ListenSockets sockets_;
  std::optional<cluster::Primary> primary_;
  Runs runs_;
  std::map<WorkerId, std::unique_ptr<WorkerOutput>> outputs_;
  bool output_paused_ = false;
  bool last_output_ = false;  // is being read, and nothing else is waited for

  Phase phase_ = Phase::idle;
  Timer timer_;
  std::optional<Time> armed_for_;
  net::LastCall last_call_;
  Timer memory_timer_;
  Timer files_timer_;
  Timer backlog_timer_;
  std::vector<std::string> stuck_;  // listeners from whose backlogs nobody takes anybody
  Timer look_timer_;
  Timer outsider_timer_;
  bool pumping_ = false;
  bool killing_ = false;
  bool ever_started_ = false;  // a process
  std::set<std::string> announced_;
  bool listeners_closed_ = false;
  bool own_ports_told_ = false;
  bool listener_failed_ = false;
  const bool inspected_;  // each worker has an inspector
  Time looked_at_ = Time::min();
  uint64_t port_looks_asked_ = 0;
  std::map<uint64_t, spawner::Look> port_looks_;
  // A slot whose worker is to be replaced, or 0: a reload.
  std::set<unsigned> asked_;
  struct Order {
    uint64_t after;  // which look at the ports
    unsigned slot;
  };
  std::deque<Order> after_ports_;
  bool awaiting_ports_ = false;
  ReportLimit news_;
  Timer news_timer_;
  std::map<unsigned, spawner::LanesOfAPlace> notify_lanes_;  // by slot
  UsageLooks memory_looks_{loop_, Usage::brief, false};
  UsageLooks usage_looks_{loop_, Usage::of};
  std::vector<Promise<std::vector<Usage>>> usage_waits_;
  bool belief_told_ = false;                          // that who is alive is ready
  std::map<unsigned, std::set<std::string>> served_;  // by slot, where its workers listen by themselves
  // By slot, where the last one that was ready listens.
  std::map<unsigned, std::vector<cluster::Listening>> services_;
  Timer services_timer_;
  bool services_seen_ = false;  // and not to be seen again yet
  bool services_stale_ = false;
  static constexpr std::size_t most_private = 1024;
  std::set<std::string> private_;  // listeners of workers that are no service
  std::optional<Time> shut_told_at_;
  std::optional<Time> replaced_for_socket_at_;

  std::optional<End> end_;
  std::string last_words_;    // of the worker that has ended last
  std::string end_words_;     // why it cannot go on
  std::string failed_words_;  // of the last worker that failed and is not started again
  Time finish_by_{0};
  Timer finish_timer_;

  // Counters.
  std::map<std::pair<std::optional<int>, std::optional<int>>, uint64_t> exits_;
  std::map<std::string, uint64_t> restarts_;
  std::set<unsigned> asked_to_replace_;            // slots
  std::map<unsigned, std::string> ended_because_;  // by slot, until its next start
  std::map<unsigned, uint64_t> accepted_;          // by slot, of workers that are closed
  uint64_t reloads_done_ = 0;
  uint64_t reloads_failed_ = 0;
  uint64_t ready_count_ = 0;
  Time ready_time_{0};
};

}  // namespace baton::supervisor
