#include "supervisor/driver.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/excerpt.h"
#include "base/thrown.h"
#include "cluster/inspect_port.h"
#include "supervisor/given_sockets.h"
#include "supervisor/port_table_linux.h"

namespace baton::supervisor {
namespace {

constexpr Time shut_pause = std::chrono::seconds(1);     // between two reports of it
constexpr Time replace_pause = std::chrono::minutes(1);  // between two reloads for it
constexpr auto between_looks_at_files = std::chrono::seconds(2);

MachineLimits limits_of(const Options& options) {
  const bool hands_over = !options.listen().empty() || !given_sockets().empty();
  const Time alive = hands_over ? options.min_uptime() : options.listen_timeout();
  MachineLimits limits{.workers = options.workers(),
                       .restart = {.min_uptime = options.min_uptime(),
                                   .first_wait = options.first_backoff(),
                                   .longest_wait = options.longest_backoff(),
                                   .deaths = options.max_restarts()},
                       .life = {.listen_timeout = options.listen_timeout(),
                                .kill_timeout = options.kill_timeout(),
                                .ready_when_alive = {},
                                .own_signal = options.stop_signal().value_or(SIGTERM) != SIGTERM},
                       .drain_delay = options.drain_delay(),
                       .ready = options.ready(),
                       .restarts = options.restart(),
                       .reload = options.reload(),
                       .trial = options.min_uptime()};
  const bool never = !hands_over && alive <= Time(0);
  if (options.ready() == Ready::any && !never) limits.life.ready_when_alive = alive;
  if (options.ready() == Ready::alive) limits.life.ready_when_alive = options.min_uptime();
  // Nobody is too late for what takes longer than that.
  LifeLimits& life = limits.life;
  if (life.ready_when_alive && life.listen_timeout > Time(0))
    life.listen_timeout = std::max(life.listen_timeout, *life.ready_when_alive);
  return limits;
}

bool asks_for_inspectors(const ForkOptions& fork) {
  const std::string node_options(fork.spawn().environment().get("NODE_OPTIONS").value_or(""));
  return cluster::inspect_port_argument(fork.exec_args(), node_options, 0).has_value();
}

}  // namespace

Driver::Driver(Process& process, Options options)
    : process_(process),
      loop_(process.loop()),
      options_(std::move(options)),
      listen_watch_(loop_,
                    [this](int descriptor) {
                      const auto self = shared_from_this();
                      sockets_.revive(loop_, descriptor, listen_watch_, tell_shut_down());
                    }),
      random_(std::random_device()()),
      machine_(limits_of(options_), [this] { return std::uniform_real_distribution<double>()(random_); }),
      inspected_(asks_for_inspectors(options_.fork())) {}

Time Driver::now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// No callback runs inside the call that caused it.
void Driver::later(Callback callback) {
  loop_.defer([weak = weak_from_this(), callback = std::move(callback)]() mutable {
    const auto self = weak.lock();
    if (!self || self->phase_ == Phase::over) return;
    self->note_exits();
    if (self->phase_ == Phase::over) return;
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
      const Error& error = opened.error();
      const auto listener = std::ranges::find_if(options_.listen(), [&](const ListenSocket& one) {
        return one.is_udp() == error.operation().starts_with("bind ") &&
               error.operation().ends_with(one.endpoint().to_string());
      });
      const bool listens = listener != options_.listen().end();
      // Who has a port of UDP is not looked for.
      end_words_ =
          listens && !listener->is_udp() ? with_holder_in_time(error, listener->endpoint()) : error.what();
      machine_.give_up(listens ? EndReason::listener_failed : EndReason::failed, 0, now());
      return;
    }
    machine_.start(now());
  });
}

void Driver::reload() { ask(0); }

void Driver::scale(int by) {
  later([this, by] { machine_.scale(by, now()); });
}

void Driver::scale_to(unsigned workers) {
  later([this, workers] { machine_.scale_to(workers, now()); });
}

void Driver::replace(unsigned slot) {
  if (slot != 0) ask(slot);
}

// Whoever gives orders may give a thousand.
void Driver::ask(unsigned slot) {
  if (!asked_.insert(slot).second || asked_.size() > 1) return;
  later([this] {
    for (const unsigned one : std::exchange(asked_, {})) obey_after_a_look_at_ports(one);
  });
}

void Driver::obey(unsigned slot) {
  if (slot == 0) return machine_.reload(now());
  for (const auto& [id, run] : runs_) {
    if (run.slot != slot || run.told_at || !run.lives()) continue;
    asked_to_replace_.insert(slot);
    machine_.replace(id, now());
  }
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
    killing_ = true;
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
  auto sockets = ListenSockets::open(options_.listen());
  if (!sockets) return std::unexpected(sockets.error());
  sockets_ = std::move(*sockets);
  sockets_.watch_with(listen_watch_);

  cluster::PrimaryOptions how;
  how.exec(options_.module()).policy(options_.policy());
  for (const cluster::ListenRule& rule : options_.allow_listen()) how.allow_listen(rule);
  for (const int descriptor : sockets_.descriptors()) how.serve_from(descriptor);
  if (const auto time = options_.hang_timeout()) {
    how.hang_timeout(std::chrono::ceil<std::chrono::milliseconds>(*time));
  }
  try {
    primary_.emplace(process_, how);
  } catch (const Error& error) {
    return std::unexpected(error);
  }
  watch_primary();
  if (options_.max_memory()) {
    memory_timer_ = Timer::every(loop_, std::chrono::seconds(1), [this] { measure_memory(); });
    memory_timer_.unref();
  }
  if (!sockets_.empty()) {
    files_timer_ = Timer::every(loop_, between_looks_at_files, [this] {
      const auto self = shared_from_this();
      sockets_.look_at_files(loop_, listen_watch_, tell_shut_down());
    });
    files_timer_.unref();
    backlog_timer_ = Timer::every(loop_, BacklogWatch::between_looks, [this] { look_at_backlogs(); });
    backlog_timer_.unref();
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
  primary_->on_stopped_listening([this](WorkerProcess& process) {
    if (const WorkerRun* run = find(process)) machine_.stopped_listening(run->id, now());
    pump();
  });
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
    if (WorkerRun* run = find(process)) note_problem(*run, error);
  });
  primary_->on_shut_down([this](const cluster::Listening& where, cluster::ShutDown how) {
    on_shut_down(where.to_string(), how);
  });
  primary_->on_listen_error([this](WorkerProcess& process, const cluster::Listening& where,
                                   const Error& error) { on_listen_error(process, where, error); });
  primary_->on_message([this](WorkerProcess& process, const Message& message) {
    const WorkerRun* run = find(process);
    if (run != nullptr && message.value() == Value("ready")) saw(run->id, Sign::message);
  });
}

WorkerRun* Driver::find(const cluster::WorkerProcess& process) {
  const auto found =
      std::ranges::find_if(runs_, [&](const auto& one) { return one.second.process == &process; });
  return found == runs_.end() ? nullptr : &found->second;
}

void Driver::on_close(cluster::WorkerProcess& process) {
  WorkerRun* run = find(process);
  if (run == nullptr) return;
  accepted_[run->slot] += process.accepted();
  run->process = nullptr;
  forget_if_over(run->id);
}

void Driver::on_listen_error(cluster::WorkerProcess& process, const cluster::Listening& where,
                             const Error& error) {
  WorkerRun* run = find(process);
  if (run == nullptr) return;
  if (run->listen_error.empty()) look_for_holder(*run, error, where);
  note_problem(*run, error);
}

// As a worker may cause as many as it likes, they are counted from some number on.
void Driver::note_problem(WorkerRun& run, const Error& error) {
  if (!run.problems) {
    run.problems = std::make_unique<LimitedReports>(
        loop_, [this, slot = run.slot, pid = run.pid](std::string_view line) {
          tell_event(Event(EventKind::problem).worker(slot, pid).text(std::string(line)));
        });
  }
  run.problems->report(error);
}

ListenSockets::Tell Driver::tell_shut_down() {
  return [this](const std::string& address, cluster::ShutDown how) {
    const auto self = shared_from_this();
    on_shut_down(address, how);
  };
}

void Driver::on_shut_down(const std::string& address, cluster::ShutDown how) {
  const bool again = how == cluster::ShutDown::listens_again;
  if (again && shut_told_at_ && now() < *shut_told_at_ + shut_pause) return;
  shut_told_at_ = now();
  if (is_told("shut down"))
    tell_event(
        Event(EventKind::problem).text("listener " + address + " " + std::string(cluster::describe(how))));
  // New workers get the new socket; if it is they who break it, that would go on for ever.
  const bool by_new_ones =
      how == cluster::ShutDown::opened_anew || how == cluster::ShutDown::file_opened_anew;
  if (!by_new_ones || (replaced_for_socket_at_ && now() < *replaced_for_socket_at_ + replace_pause)) return;
  replaced_for_socket_at_ = now();
  reload();
}

// --- what the machine asks for

void Driver::pump() {
  if (phase_ == Phase::over || std::exchange(pumping_, true)) return;
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
    const auto self = shared_from_this();
    armed_for_.reset();
    note_exits();
    if (phase_ == Phase::over) return;
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
    case Kind::last_call:
      call_last();
      return;
    case Kind::over:
      if (end_words_.empty()) end_words_ = failed_words_;
      end_with(action.end);
      return;
    case Kind::tell:
    case Kind::terminate:
    case Kind::kill_tree:
    case Kind::sweep:
    case Kind::retires:
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
  if (action.kind == Kind::retires) {
    tell_event(
        Event(EventKind::notice).worker(run.slot, run.pid).text("it has stopped listening, and is replaced"));
  }
  if (action.kind == Kind::ready) note_ready(run, action.sign);
  if (action.kind == Kind::ended) note_end(run, action);
}

void Driver::tell(WorkerRun& run, bool by_signal) {
  run.told_at = now();
  tell_event(Event(EventKind::worker_told).worker(run.slot, run.pid));
  // Nobody would hear the message any more: who was online has ended.
  if (run.process != nullptr && !run.process->is_online()) by_signal = true;
  const auto wanted = options_.stop_signal();
  if (by_signal) {
    // Takes it out of the choice: it hears no message.
    if (run.process != nullptr) run.process->disconnect();
    signal(run, wanted.value_or(SIGTERM));
    // The machine may have meant it to hear the message.
    if (wanted.value_or(SIGTERM) == SIGTERM) machine_.signalled(run.id);
  } else if (run.process != nullptr) {
    run.process->disconnect(wanted.value_or(SIGTERM), wanted.has_value());
  }
}

void Driver::signal(WorkerRun& run, int signal_number) {
  if (run.process == nullptr) return;
  try {
    run.process->kill(signal_number);
  } catch (const Error& error) {
    tell_event(Event(EventKind::problem).worker(run.slot, run.pid).text(error.what()));
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

bool Driver::is_told(std::string_view kind) {
  if (news_.over(loop_.now())) tell_rests();
  const bool told = news_.admits(kind, loop_.now());
  if (const auto due = news_.due(); due && !news_timer_.active()) {
    news_timer_ = Timer(loop_, std::max(*due - loop_.now(), std::chrono::milliseconds(0)), [this] {
      const auto self = shared_from_this();
      news_timer_.stop();
      tell_rests();
      // A worker with many must not hide where another one listens: what is still open has another turn.
      if (phase_ == Phase::running && machine_.ever_all_ready()) announce_listeners();
    });
    news_timer_.unref();
  }
  return told;
}

void Driver::tell_rests() {
  for (const ReportLimit::Rest& rest : news_.rests()) tell_event(Event(EventKind::notice).text(rest.text()));
}

void Driver::announce_listeners() {
  std::set<std::string> announced;
  for (const std::string& address : listeners()) {
    if (!announced_.contains(address)) {
      if (!is_told("listening")) continue;
      tell_event(Event(EventKind::listening).address(address).workers(machine_.wanted()));
    }
    announced.insert(address);
  }
  announced_ = std::move(announced);
}

// What was let in is taken by a worker before any hears of the end.
void Driver::call_last() {
  const auto of_primary = [this] {
    primary_->last_call().then([weak = weak_from_this()](const Result<void>&) {
      const auto self = weak.lock();
      if (!self || self->phase_ != Phase::running) return;
      self->machine_.nobody_waits(now());
      self->pump();
    });
  };
  files_timer_.stop();
  backlog_timer_.stop();
  if (sockets_.empty()) return of_primary();
  sockets_.turn_newcomers_away();
  last_call_ = net::LastCall(loop_, [this] { return sockets_.somebody_waits(); }, of_primary);
}

// Who connects now had better be told at once than wait for nobody.
void Driver::close_listeners() {
  if (phase_ != Phase::running || !primary_ || std::exchange(listeners_closed_, true)) return;
  primary_->close_listeners();
  sockets_.remove_files();
  sockets_ = ListenSockets();
}

void Driver::forget_if_over(WorkerId id) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || !found->second.gone || found->second.process != nullptr) return;
  if (outputs_.contains(id)) return;
  runs_.erase(found);
}

}  // namespace baton::supervisor
