#include "supervisor/driver.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "spawn/process_table_linux.h"

namespace baton::supervisor {
namespace {

MachineLimits limits_of(const Options& options) {
  MachineLimits limits{.workers = options.workers(),
                       .restart = {.min_uptime = options.min_uptime(),
                                   .first_wait = options.first_backoff(),
                                   .longest_wait = options.longest_backoff(),
                                   .deaths = options.max_restarts()},
                       .life = {.listen_timeout = options.listen_timeout(),
                                .kill_timeout = options.kill_timeout(),
                                .ready_when_alive = {}},
                       .drain_delay = options.drain_delay()};
  if (!options.listen().empty() && options.ready() == Ready::any) {
    limits.life.ready_when_alive = options.min_uptime();
  }
  return limits;
}

}  // namespace

Driver::Driver(Process& process, Options options)
    : process_(process),
      loop_(process.loop()),
      options_(std::move(options)),
      random_(std::random_device()()),
      machine_(limits_of(options_), [this] { return std::uniform_real_distribution<double>()(random_); }) {}

Time Driver::now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// No callback runs inside the call that caused it.
void Driver::later(Callback callback) {
  loop_.defer([weak = weak_from_this(), callback = std::move(callback)]() mutable {
    const auto self = weak.lock();
    if (!self || self->phase_ == Phase::over) return;
    callback();
    self->pump();
  });
}

// --- what it is told

void Driver::start() {
  later([this] {
    if (phase_ != Phase::idle) return;
    phase_ = Phase::running;
    if (auto opened = open(); !opened) {
      end_words_ = opened.error().what();
      const bool listener = opened.error().operation().starts_with("listen ");
      machine_.give_up(listener ? EndReason::listener_failed : EndReason::failed, 0, now());
      return;
    }
    machine_.start(now());
  });
}

void Driver::reload() {
  later([this] { machine_.reload(now()); });
}

void Driver::scale(int by) {
  later([this, by] { machine_.scale(by, now()); });
}

void Driver::stop() {
  later([this] {
    if (machine_.state() != State::draining) tell_event(Event(EventKind::draining));
    machine_.stop(now());
  });
}

void Driver::kill() {
  later([this] {
    if (!machine_.over()) tell_event(Event(EventKind::killing));
    machine_.kill(now());
  });
}

// --- what happens

Result<void> Driver::open() {
  if (options_.adopt_orphans()) {
    auto adopted = Orphans::adopt(loop_);
    if (!adopted) return std::unexpected(adopted.error());
    orphans_ = std::move(*adopted);
  }
  auto sockets = ListenSockets::open(loop_, options_.listen());
  if (!sockets) return std::unexpected(sockets.error());
  sockets_ = std::move(*sockets);
  notify_folder_ = std::make_unique<NotifyFolder>(options_.fork().spawn().uid().has_value());

  cluster::PrimaryOptions how;
  how.exec(options_.module()).policy(options_.policy());
  if (const auto time = options_.hang_timeout()) {
    how.hang_timeout(std::chrono::ceil<std::chrono::milliseconds>(*time));
  }
  primary_.emplace(process_, how);
  watch_primary();
  if (options_.max_memory()) {
    memory_timer_ = Timer::every(loop_, std::chrono::seconds(1), [this] { measure_memory(); });
    memory_timer_.unref();
  }
  return {};
}

void Driver::watch_primary() {
  using cluster::WorkerProcess;
  primary_->on_online([this](WorkerProcess& process) {
    if (const WorkerRun* run = find(process)) machine_.online(run->id);
  });
  primary_->on_listening(
      [this](WorkerProcess& process, const cluster::Listening&) { on_listening(process); });
  primary_->on_disconnect([this](WorkerProcess& process) {
    if (const WorkerRun* run = find(process)) machine_.channel_closed(run->id, now());
    pump();
  });
  primary_->on_exit([this](WorkerProcess& process, const ExitStatus& status) { on_exit(process, status); });
  primary_->on_close([this](WorkerProcess& process, const ExitStatus&) { on_close(process); });
  primary_->on_hang([this](WorkerProcess& process) {
    if (WorkerRun* run = find(process)) run->hung = true;
  });
  primary_->on_error([this](WorkerProcess& process, const Error& error) {
    if (const WorkerRun* run = find(process)) {
      tell_event(Event(EventKind::problem).worker(run->slot, run->pid).text(error.what()));
    }
  });
  primary_->on_listen_error([this](WorkerProcess& process, const cluster::Listening&, const Error& error) {
    on_listen_error(process, error);
  });
}

WorkerRun* Driver::find(const cluster::WorkerProcess& process) {
  const auto found =
      std::ranges::find_if(runs_, [&](const auto& one) { return one.second.process == &process; });
  return found == runs_.end() ? nullptr : &found->second;
}

void Driver::on_listening(cluster::WorkerProcess& process) {
  const WorkerRun* run = find(process);
  if (run != nullptr && options_.ready() == Ready::any) machine_.ready(run->id, now());
  pump();
  if (machine_.ever_all_ready()) announce_listeners();
}

void Driver::on_exit(cluster::WorkerProcess& process, const ExitStatus& status) {
  WorkerRun* run = find(process);
  if (run == nullptr) return;
  const WorkerId id = run->id;
  // Its last words come before the news of its end.
  if (const auto output = outputs_.find(id); output != outputs_.end()) output->second->read_now();
  if (run->notify) run->notify->read_now();
  run->status = status;
  run->ended_at = now();
  run->uncaught = process.process().uncaught();
  ++exits_[{status.code(), status.signal()}];
  machine_.exited(id, now());
  pump();
}

void Driver::on_close(cluster::WorkerProcess& process) {
  WorkerRun* run = find(process);
  if (run == nullptr) return;
  accepted_[run->slot] += process.accepted();
  run->process = nullptr;
  forget_if_over(run->id);
}

void Driver::on_listen_error(cluster::WorkerProcess& process, const Error& error) {
  WorkerRun* run = find(process);
  if (run == nullptr) return;
  run->listen_error = error.what();
  tell_event(Event(EventKind::problem).worker(run->slot, run->pid).text(error.what()));
}

void Driver::measure_memory() {
  for (auto& [id, run] : runs_) {
    if (!run.ready_at || run.told_at || run.status) continue;
    const auto bytes = resident_bytes(run.pid);
    if (!bytes || !run.memory.measured(*bytes, *options_.max_memory(), now())) continue;
    tell_event(Event(EventKind::problem)
                   .worker(run.slot, run.pid)
                   .text(std::to_string(*bytes) + " bytes resident, more than max_memory (" +
                         std::to_string(*options_.max_memory()) + "), for 5 s: it is replaced"));
    machine_.replace(id, now());
  }
  pump();
}

// --- what the machine asks for

void Driver::pump() {
  if (std::exchange(pumping_, true)) return;
  const auto self = shared_from_this();
  while (const auto action = machine_.next_action()) {
    if (machine_.ending()) close_listeners();
    carry_out(*action);
    if (phase_ == Phase::over) break;
  }
  pumping_ = false;
  arm();
}

void Driver::arm() {
  if (phase_ != Phase::running) return;
  const auto due = machine_.due();
  if (due == armed_for_) return;
  armed_for_ = due;
  timer_.stop();
  if (!due) return;
  timer_ = Timer(loop_, std::max(*due - now(), Time(0)), [this] {
    armed_for_.reset();
    machine_.tick(now());
    pump();
  });
}

void Driver::carry_out(const Action& action) {
  using Kind = Action::Kind;
  const auto found = runs_.find(action.id);
  switch (action.kind) {
    case Kind::start:
      start_worker(action);
      return;
    case Kind::all_ready:
      announce_listeners();
      return;
    case Kind::reload_started:
      tell_event(Event(EventKind::reload_started));
      return;
    case Kind::reload_done:
      ++reloads_done_;
      tell_event(Event(EventKind::reload_done));
      return;
    case Kind::reload_failed:
      note_reload_failed(action);
      return;
    case Kind::scaled:
      tell_event(Event(EventKind::scaled).workers(action.count));
      return;
    case Kind::over:
      end_with(action.end);
      return;
    case Kind::tell:
    case Kind::terminate:
    case Kind::kill_tree:
    case Kind::sweep:
    case Kind::ready:
    case Kind::ended:
      break;
  }
  if (found == runs_.end()) return;
  WorkerRun& run = found->second;
  if (action.kind == Kind::tell) tell(run, false);
  if (action.kind == Kind::terminate) action.told ? tell(run, true) : signal(run, SIGTERM);
  if (action.kind == Kind::kill_tree) kill_tree(run);
  if (action.kind == Kind::sweep) sweep(run);
  if (action.kind == Kind::ready) note_ready(run);
  if (action.kind == Kind::ended) note_end(run, action);
}

void Driver::start_worker(const Action& action) {
  WorkerRun& run = runs_[action.id];
  run.id = action.id;
  run.slot = action.slot;
  run.started_at = now();
  if (action.why != Action::Why::first) {
    const auto last = ended_because_.extract(action.slot);
    std::string reason = last ? last.mapped() : "exit";
    if (action.why == Action::Why::reload) reason = "reload";
    if (action.why == Action::Why::replacement) reason = "memory";
    ++restarts_[reason];
  }
  try {
    fork_worker(run);
  } catch (const Error& error) {
    start_failed(run, error);
    return;
  }
  ever_started_ = true;
  tell_event(Event(EventKind::worker_started).worker(run.slot, run.pid));
}

void Driver::fork_worker(WorkerRun& run) {
  const WorkerId id = run.id;
  auto notify = NotifySocket::open(
      loop_, notify_folder_->name(id),
      [this, id] {
        machine_.ready(id, now());
        pump();
      },
      notify_folder_->for_others());
  if (!notify) throw std::move(notify).error();
  ForkOptions how = options_.fork();
  SpawnOptions spawn = how.spawn();
  // So that its descendants can be told from others.
  spawn.detached();
  if (options_.capture_output()) {
    auto output = WorkerOutput::open(
        loop_, spawn,
        [this, id](int stream, std::string_view line, bool whole) {
          const WorkerRun& writer = runs_.at(id);
          on_output.fire(OutputLine(writer.slot, writer.pid, stream, line, whole));
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
  how.spawn(std::move(spawn));
  sockets_.hand_to(how);
  try {
    run.process = &primary_->fork(cluster::WorkerOptions()
                                      .slot(run.slot)
                                      .add_env("NOTIFY_SOCKET", (*notify)->name())
                                      .fork(std::move(how)));
  } catch (...) {
    outputs_.erase(id);
    throw;
  }
  run.pid = run.process->pid();
  run.notify = std::move(*notify);
  run.notify->set_worker(run.pid);
}

void Driver::start_failed(WorkerRun& run, const Error& error) {
  run.start_error = error.what();
  run.ended_at = now();
  if (!ever_started_) {
    // The program is not there, or is none: trying again helps nobody.
    const bool executing = error.step().starts_with("execve") || error.step() == "open";
    const auto is = [&](std::errc code) { return error.code() == std::make_error_condition(code); };
    auto why = EndReason::failed;
    if (executing && (is(std::errc::no_such_file_or_directory) || is(std::errc::not_a_directory))) {
      why = EndReason::not_found;
    } else if (executing) {
      why = EndReason::not_executable;
    }
    const bool passing = is(std::errc::resource_unavailable_try_again) || is(std::errc::not_enough_memory);
    if (!passing) machine_.give_up(why, run.id, now());
  }
  machine_.start_failed(run.id, now());
}

void Driver::tell(WorkerRun& run, bool by_signal) {
  run.told_at = now();
  tell_event(Event(EventKind::worker_told).worker(run.slot, run.pid));
  // Takes it out of the choice, whether or not it hears the message.
  if (run.process != nullptr) run.process->disconnect();
  if (by_signal) signal(run, SIGTERM);
  const auto also = options_.stop_signal();
  if (also && !(by_signal && *also == SIGTERM)) signal(run, *also);
}

void Driver::signal(WorkerRun& run, int signal_number) {
  if (run.process == nullptr) return;
  try {
    run.process->kill(signal_number);
  } catch (const Error& error) {
    tell_event(Event(EventKind::problem).worker(run.slot, run.pid).text(error.what()));
  }
}

spawner::TreeEnd& Driver::tree_of(WorkerRun& run) {
  if (!run.tree) {
    const WorkerId id = run.id;
    spawner::TreeEnd::Leader leader{run.pid, [&run] { return run.status.has_value(); },
                                    [&run](int signal_number) -> Result<bool> {
                                      if (run.process == nullptr) return false;
                                      try {
                                        return run.process->kill(signal_number);
                                      } catch (const Error& error) {
                                        return std::unexpected(error);
                                      }
                                    }};
    run.tree = std::make_unique<spawner::TreeEnd>(loop_, std::move(leader),
                                                  [weak = weak_from_this(), id](const Result<void>& outcome) {
                                                    if (const auto self = weak.lock())
                                                      self->tree_over(id, outcome);
                                                  });
  }
  return *run.tree;
}

void Driver::tree_over(WorkerId id, const Result<void>& outcome) {
  const auto found = runs_.find(id);
  if (phase_ == Phase::over || found == runs_.end()) return;
  WorkerRun& run = found->second;
  if (!outcome) {
    tell_event(Event(EventKind::problem).worker(run.slot, run.pid).text(outcome.error().what()));
  }
  if (!run.status) {
    // Its own end is still to come, and what is left then is looked for again.
    run.tree.reset();
    return;
  }
  machine_.gone(id, now());
  run.gone = true;
  forget_if_over(id);
  pump();
}

void Driver::kill_tree(WorkerRun& run) {
  if (run.pid == 0) return;  // it was never started
  run.killed = true;
  if (run.told_at && !run.status) run.killed_for_time = true;
  tree_of(run).kill();
}

void Driver::sweep(WorkerRun& run) {
  // Whatever it left behind is ours by now.
  const auto orphans = orphans_ ? Orphans::count() : Result<size_t>(1);
  if (orphans && *orphans == 0) {
    machine_.gone(run.id, now());
    run.gone = true;
    forget_if_over(run.id);
    return;
  }
  tree_of(run).ask();
}

void Driver::note_ready(WorkerRun& run) {
  run.ready_at = now();
  const Time took = *run.ready_at - run.started_at;
  ++ready_count_;
  ready_time_ += took;
  tell_event(Event(EventKind::worker_ready).worker(run.slot, run.pid).took(took));
}

void Driver::note_end(WorkerRun& run, const Action& action) {
  run.late = action.late;
  ended_because_[run.slot] = reason_it_ended(run);
  const bool started = run.start_error.empty();
  Event event(started ? EventKind::worker_exited : EventKind::start_failed);
  event.worker(run.slot, run.pid).text(why_it_ended(run, options_)).wait(action.wait);
  if (run.status) event.status(*run.status);
  tell_event(event);
  last_words_ = name_of(run) + ": " + event.text();
  if (machine_.ends_because() == run.id && end_words_.empty()) {
    end_words_ = started ? last_words_ : run.start_error;
  }
  if (!run.listen_error.empty() && !run.told_at && !machine_.ever_all_ready()) {
    end_words_ = run.listen_error;
    machine_.give_up(EndReason::listener_failed, run.id, now());
  }
  if (!started) {
    run.gone = true;
    forget_if_over(run.id);
  }
}

void Driver::note_reload_failed(const Action& action) {
  // Its end has just been noted.
  if (action.why == Action::Why::reload) {
    ++reloads_failed_;
    tell_event(Event(EventKind::reload_failed).text(last_words_));
  } else {
    tell_event(Event(EventKind::problem).text("not replaced: " + last_words_));
  }
}

void Driver::announce_listeners() {
  for (const std::string& address : listeners()) {
    if (!announced_.insert(address).second) continue;
    tell_event(Event(EventKind::listening).address(address).workers(machine_.wanted()));
  }
}

// Who connects now had better be told at once than wait for nobody.
void Driver::close_listeners() {
  if (phase_ != Phase::running || !primary_ || std::exchange(listeners_closed_, true)) return;
  primary_->close_listeners();
  sockets_ = ListenSockets();
}

void Driver::forget_if_over(WorkerId id) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || !found->second.gone || found->second.process != nullptr) return;
  if (outputs_.contains(id)) return;
  runs_.erase(found);
}

}  // namespace baton::supervisor
