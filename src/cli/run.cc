#include "cli/run.h"

#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <span>

#include "baton/loop/signal.h"
#include "baton/process/process.h"
#include "baton/supervisor/supervisor.h"
#include "cli/admin.h"
#include "cli/channel_choice.h"
#include "cli/descriptor_limit.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/log.h"
#include "cli/log_text.h"
#include "cli/metrics.h"
#include "cli/node_primary.h"
#include "cli/package_file.h"
#include "cli/preload.h"
#include "cli/program.h"
#include "cli/run_options.h"
#include "cli/service_manager.h"
#include "cli/stray_signals.h"
#include "cli/terminal.h"
#include "cli/warden.h"
#include "cli/worker_messages.h"
#include "supervisor/port_table_linux.h"

namespace baton::cli {
namespace {

using supervisor::End;
using supervisor::EndReason;
using supervisor::Event;
using supervisor::EventKind;
using supervisor::OutputLine;
using supervisor::Supervisor;

// Workers have nothing to say here but what the cluster needs.
constexpr std::size_t longest_message = std::size_t{1} << 20;
// The program of --primary hears what they say, and with it who.
constexpr std::size_t longest_of_primary = 2 * longest_message;

// How long the program of --primary may take at the end: whoever stops us has waited for the workers already.
constexpr RunOptions::Time primary_grace{1000};

int code_of(EndReason reason) {
  switch (reason) {
    case EndReason::stopped:
    case EndReason::killed:
    case EndReason::finished:
      return ended_as_told;
    case EndReason::listener_failed:
      return listener_not_opened;
    case EndReason::never_ready:
      return never_ready;
    case EndReason::gave_up:
      return gave_up;
    case EndReason::not_found:
      return not_found;
    case EndReason::not_executable:
      return not_executable;
    case EndReason::failed:
      break;
  }
  return failure_of_another_kind;
}

Environment environment_of(const RunOptions& options) {
  Environment environment = Environment::current();
  // The watchdog of a service manager watches us.
  for (const char* ours : {"WATCHDOG_USEC", "WATCHDOG_PID"}) environment.unset(ours);
  for (const auto& [key, value] : options.variables) environment.set(key, value);
  const bool ours_to_print = !options.keep_orphans && !options.json_logs;
  if (ours_to_print && takes_colours(environment)) {
    for (const char* wish : {"FORCE_COLOR", "CLICOLOR_FORCE"}) environment.set(wish, "1");
  }
  return environment;
}

// Node's permission model lets a program read only what its command line names: not our module.
bool would_be_refused(const Environment& environment, const Program& program) {
  std::string words(environment.get("NODE_OPTIONS").value_or(""));
  for (const std::string& argument : program.interpreter_arguments) words += " " + argument;
  return words.contains("--permission") || words.contains("--experimental-permission");
}

Speech speech_with(const RunOptions& options, const Program& program) {
  if (options.channel == false) return Speech::none;
  const bool takes_sockets = !options.listen.empty();
  const Speech speech = speech_of(program, options.cwd, takes_sockets);
  return options.channel && speech == Speech::none ? Speech::node : speech;
}

// Of every program that is started here. `files`: the limit of descriptors that it gets, as it was before it
// was raised for us.
SpawnOptions spawn_of(const RunOptions& options, const std::optional<rlimit>& files) {
  auto spawn = SpawnOptions()
                   .cwd(options.cwd)
                   .env(environment_of(options))
                   .stdio(Stdio::inherit())
                   .stdio(0, options.stdin_pipe ? Stdio::pipe() : Stdio::ignore());
  if (files) spawn.limit(RLIMIT_NOFILE, files->rlim_cur, files->rlim_max);
  return spawn;
}

supervisor::Options options_of(const RunOptions& options, const Program& program,
                               const std::optional<rlimit>& files) {
  SpawnOptions spawn = spawn_of(options, files);
  // Whoever is killed for good cannot end them; then the kernel does.
  if (!options.keep_orphans) spawn.parent_death_signal(SIGKILL);
  auto fork = ForkOptions()
                  .args(program.arguments)
                  .interpreter(program.interpreter)
                  .exec_args(program.interpreter_arguments)
                  .longest_message(longest_message)
                  .channel(speech_with(options, program) != Speech::none)
                  .spawn(std::move(spawn));
  auto result = supervisor::Options(program.module)
                    .fork(std::move(fork))
                    .workers(options.workers)
                    .policy(options.policy)
                    // Else those who live on would write to a pipe that nobody reads.
                    .capture_output(!options.keep_orphans)
                    .ready(options.ready.what)
                    .restart(options.restart)
                    .reload(options.reload)
                    .listen_timeout(options.listen_timeout)
                    .kill_timeout(options.kill_timeout)
                    .drain_delay(options.drain_delay)
                    .min_uptime(options.min_uptime)
                    .backoff(options.backoff.first, options.backoff.second)
                    .max_restarts(options.max_restarts)
                    .hang_timeout(options.hang_timeout)
                    .max_memory(options.max_memory)
                    .stop_signal(options.stop_signal);
  if (options.ready.probe) result.ready(*options.ready.probe);
  for (const supervisor::ListenSocket& socket : options.listen) result.listen(socket);
  for (const cluster::ListenRule& rule : options.allow_listen) result.allow_listen(rule);
  return result;
}

constexpr int all_orders[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGTTIN, SIGTTOU};

sigset_t set_of(std::span<const int> numbers) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : numbers) ::sigaddset(&set, number);
  return set;
}

// A service from its start to its end.
// Nobody waits for who reads our standard error with what Baton has to say: it goes to the log.
class Reports {
 public:
  Reports(Loop& loop, Log& log) : loop_(loop) {
    loop.on_report([&log](std::string_view line) { log.say("notice", line); });
  }
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;
  ~Reports() { loop_.on_report(nullptr); }

 private:
  Loop& loop_;
};

class Run {
 public:
  Run(Process& self, const RunOptions& options, const Program& program, const std::optional<Program>& primary,
      const std::optional<rlimit>& files)
      : self_(self),
        log_(self.loop(), options.json_logs, options.name),
        name_(options.name.empty() ? program.name : options.name),
        manager_(self.loop()),
        keeps_orphans_(options.keep_orphans) {
    if (options.preload || !keeps_orphans_ || primary) begin_warden();
    // To others it means nothing, and they would leave it to what they start.
    if (options.preload && speech_with(options, program) == Speech::node) add_preload(options, program);
    service_.emplace(self,
                     options_of(options, program, files)
                         .before_start([this](SpawnOptions& worker) {
                           if (preload_ && warden_->lives()) preload_->give_to(worker, warden_->file());
                         })
                         .after_start([this](cluster::WorkerProcess& worker) { messages_.follow(worker); }));
    service_->on_event([this](const Event& event) {
      follow(event);
      figures_.on_event(event);
      log_.event(event);
      if (manager_.listens()) manager_.follow(event, service_->snapshot());
    });
    service_->on_output([this](const OutputLine& line) { log_.output(line); });
    service_->on_end([this](const End& end) { over(end); });
    if (primary) make_primary(options, *primary, files);
    log_.on_full_changed([this] { let_output_flow(!log_.full()); });
    watch_signals();
    if (!options.hint.empty()) log_.say("notice", options.hint);
    if (const std::string hint = about_package_script(options.program, options.cwd); !hint.empty()) {
      log_.say("notice", hint);
    }
    if (options.admin && !open_admin(*options.admin)) return;
    if (primary_) primary_->start();
    service_->start();
  }

 private:
  // What it is for: that nobody outlives us who shall not, and the module for Node programs.
  void begin_warden() {
    try {
      warden_.emplace(self_.loop(), Preload::stub(), keeps_orphans_, [this] {
        log_.say("problem", "the process that watches over this one was killed, and there is another one");
      });
    } catch (const Error& error) {
      log_.say("problem", "nobody ends the workers if this process is killed: " + std::string(error.what()));
    }
  }

  void add_preload(const RunOptions& options, const Program& program) {
    if (would_be_refused(environment_of(options), program)) {
      log_.say("problem",
               "Node programs run without the preload module: the permission model would refuse it");
    } else if (!warden_ || !warden_->can_be_read()) {
      log_.say("problem", "Node programs run without the preload module: they would not find it in /proc");
    } else {
      preload_.emplace(options.grace);
    }
  }

  void make_primary(const RunOptions& options, const Program& program, const std::optional<rlimit>& files) {
    auto how = ForkOptions()
                   .interpreter(program.interpreter)
                   .exec_args(program.interpreter_arguments)
                   .longest_message(longest_of_primary)
                   .spawn(spawn_of(options, files).parent_death_signal(SIGKILL));
    const supervisor::RestartLimits limits{.min_uptime = options.min_uptime,
                                           .first_wait = options.backoff.first,
                                           .longest_wait = options.backoff.second,
                                           .deaths = 0};
    NodePrimary::Hooks hooks;
    hooks.prepare = [this](ForkOptions& fork) {
      if (!warden_ || !warden_->lives()) throw Error(ESRCH, "give it its module", "no process holds that");
      Preload::make_primary(fork, warden_->file());
    };
    hooks.started = [this](pid_t pid) {
      warden_->guard(pid);
      messages_.introduce_all();
    };
    hooks.ended = [this](pid_t pid) { warden_->forget(pid); };
    hooks.on_order = [this](Value order) { obey(std::move(order)); };
    hooks.on_line = [this](pid_t pid, int stream, std::string_view line, bool whole) {
      log_.output(OutputLine(0, pid, stream, line, whole));
    };
    hooks.say = [this](const std::string& text) { log_.say("primary", text); };
    primary_.emplace(self_, program.module, std::move(how), limits, std::move(hooks));
    messages_.give_to(*primary_);
  }

  // What the program of --primary says.
  void obey(Value order) {
    if (order["cmd"] == Value("NODE_BATON_SEND")) return messages_.send(std::move(order));
    if (order["cmd"] != Value("NODE_BATON_REPLACE")) return;
    if (const auto* worker = messages_.find(order["id"])) service_->replace(worker->slot());
  }

  void let_output_flow(bool on) {
    on ? service_->resume_output() : service_->pause_output();
    if (primary_) on ? primary_->resume_output() : primary_->pause_output();
  }

  void follow(const Event& event) {
    if (!warden_) return;
    if (event.kind() == EventKind::worker_started) warden_->guard(event.pid());
    if (event.kind() == EventKind::worker_exited) warden_->forget(event.pid());
  }

  bool open_admin(const net::Endpoint& endpoint) {
    try {
      admin_.emplace(self_.loop(), endpoint, *service_, figures_, name_, log_);
      return true;
    } catch (const Error& error) {
      leave(listener_not_opened, "--admin: " + supervisor::with_holder_in_time(error, endpoint));
      return false;
    }
  }

  void watch_signals() {
    const auto watch = [this](int number, auto act) {
      watchers_.emplace_back(self_.loop(), number, [this, act](int signal) { (this->*act)(signal); });
    };
    for (const int number : {SIGTERM, SIGINT}) watch(number, &Run::told_to_end);
    // By nohup, say.
    if (!is_ignored(SIGHUP)) watch(SIGHUP, &Run::hung_up);
    watch(SIGUSR2, &Run::told_to_reload);
    for (const int number : {SIGTTIN, SIGTTOU}) watch(number, &Run::told_to_scale);
    const sigset_t orders = set_of(all_orders);
    ::pthread_sigmask(SIG_UNBLOCK, &orders, nullptr);
  }
  void told_to_end(int signal) {
    if (ending_) {
      ended_by_ = signal;
      service_->kill();
    } else {
      ending_ = true;
      service_->stop();
    }
  }
  void hung_up(int signal) {
    if (!terminal_.is_closed()) return told_to_reload(signal);
    if (ending_) return;
    log_.say("terminal_closed", "the terminal was closed");
    told_to_end(signal);
  }
  void told_to_reload(int /*signal*/) { service_->reload(); }
  void told_to_scale(int signal) { service_->scale(signal == SIGTTIN ? 1 : -1); }

  void over(const End& end) {
    messages_.service_is_over();
    const bool killed = end.reason() == EndReason::killed;
    if (end.reason() == EndReason::finished) log_.say("finished", end.text());
    const bool as_told = killed || end.reason() == EndReason::finished || end.reason() == EndReason::stopped;
    const int code = killed ? by_signal + ended_by_ : code_of(end.reason());
    const std::string cause = as_told ? "" : end.text();
    if (!primary_) return leave(code, cause);
    primary_->stop(killed ? RunOptions::Time(0) : primary_grace, [this, code, cause] { leave(code, cause); });
  }
  void leave(int code, const std::string& cause) {
    if (!cause.empty()) log_.say("failed", cause);
    log_.flush();
    self_.exit(code);
  }

  Process& self_;
  Log log_;
  const Reports reports_{self_.loop(), log_};
  const std::string name_;
  ServiceManager manager_;
  Figures figures_;
  const bool keeps_orphans_;
  std::optional<Warden> warden_;
  std::optional<Preload> preload_;
  WorkerMessages messages_{[this](const std::string& text) { log_.say("notice", text); }};
  std::optional<NodePrimary> primary_;
  std::optional<Supervisor> service_;
  std::optional<Admin> admin_;
  const Terminal terminal_;
  std::list<SignalWatcher> watchers_;
  bool ending_ = false;
  int ended_by_ = 0;
};

// What one worker and the descriptors of this process itself need.
constexpr rlim_t least_open_files = 32;

int fail(int code, const std::string& text, bool json = false) {
  const std::string line = json ? json_line(Value::object().set("event", "failed").set("message", text))
                                : "baton run: " + visible(text) + "\n";
  std::fputs(line.c_str(), stderr);
  return code;
}

std::expected<Program, CannotRun> find_primary(const RunOptions& options, const Program& program) {
  // What runs Node's workers runs it too.
  const std::string interpreter = program.interpreter.empty() ? "" : options.interpreter;
  auto found = find_program({options.primary}, interpreter, options.cwd, environment_of(options));
  if (found && found->interpreter.empty()) {
    return std::unexpected(CannotRun{usage, options.primary + " is no script for Node"});
  }
  return found;
}

}  // namespace

int run_verb(int argc, char** argv, const std::vector<std::string>& arguments) {
  // What comes before anybody listens for it waits.
  const sigset_t orders = set_of(all_orders);
  ::pthread_sigmask(SIG_BLOCK, &orders, nullptr);
  ignore_stray_signals(all_orders);
  std::optional<RunOptions> options;
  try {
    options = parse_run(arguments);
  } catch (const UsageError& error) {
    return fail(usage, std::string(error.what()) + " (see baton run --help)");
  }
  if (!options) {
    std::fputs(run_help().data(), stdout);
    return 0;
  }
  std::error_code ignored;
  if (!options->cwd.empty() && !std::filesystem::is_directory(options->cwd, ignored)) {
    return fail(usage, "--cwd: " + options->cwd + " is no directory");
  }
  const auto own_limit = raise_descriptor_limit();
  if (own_limit && own_limit->rlim_max < least_open_files) {
    return fail(failure_of_another_kind,
                "`ulimit -n` is " + std::to_string(own_limit->rlim_max) + "; it takes at least " +
                    std::to_string(least_open_files) + " descriptors to run one worker",
                options->json_logs);
  }
  const auto program =
      find_program(options->program, options->interpreter, options->cwd, environment_of(*options));
  if (!program) return fail(program.error().code, program.error().text, options->json_logs);

  std::optional<Program> primary;
  if (!options->primary.empty()) {
    auto found = find_primary(*options, *program);
    if (!found) return fail(found.error().code, "--primary: " + found.error().text, options->json_logs);
    primary = *std::move(found);
  }

  auto entry = [&options, &program, &primary, &own_limit](Process& self) -> Task<> {
    const Run run(self, *options, *program, primary, own_limit);
    Promise<> never(self.loop());
    co_await never.op();  // Run ends the process
  };
  return baton::run(argc, argv, {{"run", entry}});
}

}  // namespace baton::cli
