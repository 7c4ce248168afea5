#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/base/error.h"
#include "baton/cluster/worker_process.h"
#include "baton/supervisor/options.h"
#include "loop/limited_reports.h"
#include "spawn/look_linux.h"
#include "spawn/tree_end_linux.h"
#include "supervisor/memory_watch.h"
#include "supervisor/notify_socket_linux.h"
#include "supervisor/port_table_linux.h"
#include "supervisor/ready_check.h"
#include "supervisor/supervisor_machine.h"

namespace baton::supervisor {

/// What the driver knows of one start of a worker, beside what the machine does.
struct WorkerRun {
  WorkerId id = 0;
  unsigned slot = 0;
  pid_t pid = 0;
  cluster::WorkerProcess* process = nullptr;  ///< until its on_close
  std::unique_ptr<NotifySocket> notify;
  std::unique_ptr<ReadyCheck> check;
  std::vector<ListeningPort> own_ports;  ///< as last seen
  std::string mark;                      ///< BATON_WORKER in its environment, and in that of its descendants
  uint64_t started = 0;                  ///< as /proc counts
  std::unique_ptr<spawner::TreeEnd> tree;
  spawner::Look behind;  ///< what goes on where it has ended
  spawner::Look holder;  ///< who has what it could not listen on
  MemoryWatch memory;
  std::unique_ptr<LimitedReports> problems;
  Time started_at{0};
  std::optional<Time> ready_at;
  std::optional<Time> told_at;
  std::optional<Time> ended_at;
  std::optional<ExitStatus> status;
  std::string uncaught;          ///< the exception that ended it
  std::string start_error;       ///< why there is no process
  std::string listen_error;      ///< a listener that it asked for and did not get
  std::string in_background;     ///< a descendant that goes on where it has ended well, and too soon
  bool killed = false;           ///< by us
  bool killed_at_once = false;   ///< as `Driver::kill` was called
  bool killed_for_time = false;  ///< it had not stopped in time
  bool late = false;             ///< it was not ready in time
  bool hung = false;             ///< it did not answer in time
  bool left_behind = false;      ///< it was killed and does not end
  bool words_over = false;       ///< after its end, what it has printed is read
  bool end_told = false;         ///< to the machine
  bool tree_over = false;        ///< nothing of it is left
  bool gone = false;             ///< the machine has forgotten it
  bool said_where = false;       ///< that it listens, and nobody has looked yet

  /// Its process is there, and not given up.
  [[nodiscard]] bool lives() const { return pid != 0 && !collected() && !left_behind; }
  /// Its number may be a stranger's, though its end may not be heard yet.
  [[nodiscard]] bool collected() const { return status || (process != nullptr && process->status()); }
  [[nodiscard]] bool ended_well() const { return status && status->code() == 0; }
  /// It shares a listener of the primary.
  [[nodiscard]] bool in_cluster() const { return process != nullptr && !process->listening().empty(); }
  [[nodiscard]] bool lives_outside_the_cluster() const { return lives() && !told_at && !in_cluster(); }
};

/// Why it ended, for people: "exit code 1, 80 ms after it was ready".
[[nodiscard]] std::string why_it_ended(const WorkerRun& run, const Options& options);
/// The same in one word, for counters: "exit", "signal", "hang", "never_ready" or "start_failed".
[[nodiscard]] std::string reason_it_ended(const WorkerRun& run);
/// "worker 2 (pid 731)".
[[nodiscard]] std::string name_of(const WorkerRun& run);

}  // namespace baton::supervisor
