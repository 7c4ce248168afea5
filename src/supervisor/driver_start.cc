// How a driver starts a worker.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <initializer_list>
#include <utility>

#include "base/thrown.h"
#include "spawn/process_table_linux.h"
#include "supervisor/driver.h"
#include "supervisor/worker_mark.h"

namespace baton::supervisor {
namespace {

bool is_one_of(const Error& error, std::initializer_list<std::errc> codes) {
  return std::ranges::any_of(codes,
                             [&](std::errc code) { return error.code() == std::make_error_condition(code); });
}

// No fault of the program.
bool is_scarce(const Error& error) {
  using enum std::errc;
  return is_one_of(error, {resource_unavailable_try_again, not_enough_memory, too_many_files_open,
                           too_many_files_open_in_system});
}

// Why a program cannot be started at all; nothing if it may be the next time.
std::optional<EndReason> why_not_started(const Error& error) {
  using enum std::errc;
  // Our own, which nobody gives back at the first start.
  if (is_one_of(error, {too_many_files_open})) return EndReason::failed;
  // It may be being written, and is not yet whole.
  if (is_scarce(error) || is_one_of(error, {text_file_busy})) return std::nullopt;
  const bool executing = error.step().starts_with("execve") || error.step() == "open";
  // Neither says anything about the program.
  if (!executing || is_one_of(error, {argument_list_too_long, io_error})) return EndReason::failed;
  if (is_one_of(error, {no_such_file_or_directory, not_a_directory})) return EndReason::not_found;
  return EndReason::not_executable;
}

}  // namespace

void Driver::start_worker(const Action& action) {
  WorkerRun& run = runs_[action.id];
  run.id = action.id;
  run.slot = action.slot;
  run.started_at = now();
  if (action.why != Action::Why::first) {
    const auto last = ended_because_.extract(action.slot);
    std::string reason = last ? last.mapped() : "exit";
    if (action.why == Action::Why::reload) reason = "reload";
    const bool asked = asked_to_replace_.erase(action.slot) != 0;
    if (action.why == Action::Why::replacement) reason = asked ? "replace" : "memory";
    ++restarts_[reason];
  }
  try {
    fork_worker(run);
  } catch (const Error& error) {
    start_failed(run, error);
    return;
  } catch (...) {
    start_failed(run, thrown_by("start " + options_.module(), std::current_exception()));
    return;
  }
  ever_started_ = true;
  tell_event(Event(EventKind::worker_started).worker(run.slot, run.pid));
  await_ports();
}

void Driver::fork_worker(WorkerRun& run) {
  const WorkerId id = run.id;
  auto notify = NotifySocket::open(loop_, [this, id] { saw(id, Sign::notify); });
  if (!notify) throw std::move(notify).error();
  ForkOptions how = options_.fork();
  SpawnOptions spawn = how.spawn();
  if (options_.before_start()) {
    try {
      options_.before_start()(spawn);
    } catch (...) {
      throw thrown_by("start " + options_.module(), std::current_exception());
    }
  }
  // So that its descendants can be told from others.
  run.mark = mark_of_worker(::getpid(), id);
  spawn.detached()
      .add_env(std::string(worker_mark), run.mark)
      .add_env("NODE_APP_INSTANCE", std::to_string(run.slot - 1))
      .add_env("BATON_INSTANCE", std::to_string(run.slot));
  if (options_.capture_output()) {
    auto output = WorkerOutput::open(
        loop_, spawn,
        [this, id](int stream, std::string_view line, bool whole) {
          const WorkerRun& writer = runs_.at(id);
          on_output.fire(loop_, OutputLine(writer.slot, writer.pid, stream, line, whole));
        },
        [weak = weak_from_this(), id] {
          if (const auto self = weak.lock()) {
            self->outputs_.erase(id);
            self->forget_if_over(id);
          }
        });
    if (!output) throw std::move(output).error();
    if (output_paused_) (*output)->pause();
    outputs_[id] = std::move(*output);
  }
  run.started = spawner::started_now();
  how.spawn(std::move(spawn));
  sockets_.hand_to(how);
  (*notify)->hand_to(how);
  try {
    run.process = &primary_->fork(cluster::WorkerOptions().slot(run.slot).fork(std::move(how)));
  } catch (...) {
    outputs_.erase(id);
    throw;
  }
  if (options_.stop_signal().value_or(SIGTERM) == SIGTERM) {
    run.process->on_signalled([this, id] { machine_.signalled(id); });
  }
  run.pid = run.process->pid();
  run.notify = std::move(*notify);
  run.notify->set_worker(run.pid, notify_lanes_[run.slot].next());
  if (const auto& probe = options_.ready_probe()) {
    run.check = std::make_unique<ReadyCheck>(loop_, *probe, [this, id] { saw(id, Sign::probe); });
  }
  if (options_.after_start()) loop_.call([&] { options_.after_start()(*run.process); });
}

void Driver::start_failed(WorkerRun& run, const Error& error) {
  run.start_error = error.what();
  if (error.code() == std::errc::argument_list_too_long) {
    run.start_error +=
        " (the kernel takes only so much of arguments and environment together, and of each one)";
  }
  run.ended_at = now();
  if (!ever_started_) {
    // The program is not there, or is none: trying again helps nobody.
    const auto why = why_not_started(error);
    if (why) machine_.give_up(*why, run.id, now());
  }
  run.end_told = true;
  machine_.start_failed(run.id, now(), is_scarce(error));
}

}  // namespace baton::supervisor
