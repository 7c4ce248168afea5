#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "baton/base/error.h"
#include "baton/cluster/worker_process.h"
#include "baton/supervisor/options.h"
#include "spawn/tree_end_linux.h"
#include "supervisor/memory_watch.h"
#include "supervisor/notify_socket_linux.h"
#include "supervisor/supervisor_machine.h"

namespace baton::supervisor {

/// What the driver knows of one start of a worker, beside what the machine does.
struct WorkerRun {
  WorkerId id = 0;
  unsigned slot = 0;
  pid_t pid = 0;
  cluster::WorkerProcess* process = nullptr;  ///< until its on_close
  std::unique_ptr<NotifySocket> notify;
  std::unique_ptr<spawner::TreeEnd> tree;
  MemoryWatch memory;
  Time started_at{0};
  std::optional<Time> ready_at;
  std::optional<Time> told_at;
  std::optional<Time> ended_at;
  std::optional<ExitStatus> status;
  std::string uncaught;          ///< the exception that ended it
  std::string start_error;       ///< why there is no process
  std::string listen_error;      ///< a listener that it asked for and did not get
  bool killed = false;           ///< by us
  bool killed_for_time = false;  ///< it had not stopped in time
  bool late = false;             ///< it was not ready in time
  bool hung = false;             ///< it did not answer in time
  bool gone = false;             ///< the machine has forgotten it
};

/// Why it ended, for people: "exit code 1, 80 ms after it was ready".
[[nodiscard]] std::string why_it_ended(const WorkerRun& run, const Options& options);
/// The same in one word, for counters: "exit", "signal", "hang", "never_ready" or "start_failed".
[[nodiscard]] std::string reason_it_ended(const WorkerRun& run);
/// "worker 2 (pid 731)".
[[nodiscard]] std::string name_of(const WorkerRun& run);

}  // namespace baton::supervisor
