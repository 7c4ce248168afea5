#include "supervisor/worker_run.h"

#include <csignal>

#include "supervisor/duration_text.h"

namespace baton::supervisor {
namespace {

// What we did to it, or what the status does not say.
std::string cause_of(const WorkerRun& run, const Options& options) {
  if (run.late) return "not ready within " + duration_text(options.listen_timeout());
  if (run.hung) return "no answer within " + duration_text(options.hang_timeout().value_or(Time(0)));
  if (run.killed_at_once) return "as all were killed at once";
  if (!run.in_background.empty())
    return "it went to the background: " + run.in_background +
           " goes on, and is ended; run it in the foreground";
  if (run.killed_for_time) {
    return "not gone " + duration_text(options.kill_timeout()) + " after it was told to stop";
  }
  if (!run.uncaught.empty()) return "uncaught exception: " + run.uncaught;
  const bool from_outside = run.status && run.status->signal() == SIGKILL && !run.killed;
  return from_outside ? "not by this supervisor; perhaps the machine is out of memory" : "";
}

std::string age_of(const WorkerRun& run) {
  if (run.told_at) return "told to stop";
  if (!run.ready_at) return "before it was ready";
  if (!run.ended_at) return {};
  return duration_text(*run.ended_at - *run.ready_at) + " after it was ready";
}

}  // namespace

std::string why_it_ended(const WorkerRun& run, const Options& options) {
  if (!run.start_error.empty()) return run.start_error;
  std::string text = run.status ? run.status->describe() : "closed its channel";
  if (run.left_behind) text = "killed, does not end and is left behind";
  if (const std::string age = age_of(run); !age.empty() && !run.late) text += ", " + age;
  if (const std::string cause = cause_of(run, options); !cause.empty()) text += " (" + cause + ")";
  if (!run.listen_error.empty()) text += " (" + run.listen_error + ")";
  return text;
}

std::string reason_it_ended(const WorkerRun& run) {
  if (!run.start_error.empty()) return "start_failed";
  if (run.late) return "never_ready";
  if (run.hung) return "hang";
  return run.status && run.status->signal() ? "signal" : "exit";
}

std::string name_of(const WorkerRun& run) {
  std::string text = "worker " + std::to_string(run.slot);
  if (run.pid != 0) text += " (pid " + std::to_string(run.pid) + ")";
  return text;
}

}  // namespace baton::supervisor
