#include "cli/run.h"

#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>

#include "baton/loop/signal.h"
#include "baton/process/process.h"
#include "baton/supervisor/supervisor.h"
#include "cli/admin.h"
#include "cli/help.h"
#include "cli/log.h"
#include "cli/log_text.h"
#include "cli/metrics.h"
#include "cli/preload.h"
#include "cli/program.h"
#include "cli/run_options.h"

namespace baton::cli {
namespace {

using supervisor::End;
using supervisor::EndReason;
using supervisor::Event;
using supervisor::OutputLine;
using supervisor::Supervisor;

enum ExitCode : int {
  ended_as_told = 0,
  failure_of_another_kind = 1,
  usage = 2,
  listener_not_opened = 3,
  never_ready = 4,
  gave_up = 5,
  not_executable = 126,
  not_found = 127,
  by_signal = 128,
};

int code_of(EndReason reason) {
  switch (reason) {
    case EndReason::stopped:
    case EndReason::killed:
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
  for (const auto& [key, value] : options.variables) environment.set(key, value);
  return environment;
}

// Node's permission model lets a program read only what its command line names: not our module.
bool would_be_refused(const Environment& environment, const Program& program) {
  std::string words(environment.get("NODE_OPTIONS").value_or(""));
  for (const std::string& argument : program.interpreter_arguments) words += " " + argument;
  return words.contains("--permission") || words.contains("--experimental-permission");
}

supervisor::Options options_of(const RunOptions& options, const Program& program, Environment environment) {
  auto spawn = SpawnOptions().cwd(options.cwd).env(std::move(environment)).stdio(0, Stdio::ignore());
  auto fork = ForkOptions()
                  .args(program.arguments)
                  .interpreter(program.interpreter)
                  .exec_args(program.interpreter_arguments)
                  .spawn(std::move(spawn));
  auto result = supervisor::Options(program.module)
                    .fork(std::move(fork))
                    .workers(options.workers)
                    .policy(options.policy)
                    .capture_output()
                    .ready(options.ready_notify ? supervisor::Ready::notify : supervisor::Ready::any)
                    .listen_timeout(options.listen_timeout)
                    .kill_timeout(options.kill_timeout)
                    .drain_delay(options.drain_delay)
                    .min_uptime(options.min_uptime)
                    .backoff(options.backoff.first, options.backoff.second)
                    .max_restarts(options.max_restarts)
                    .hang_timeout(options.hang_timeout)
                    .max_memory(options.max_memory)
                    .stop_signal(options.stop_signal);
  for (const NamedAddress& address : options.listen) result.listen(address.name(), address.endpoint());
  return result;
}

// A service from its start to its end.
class Run {
 public:
  Run(Process& self, const RunOptions& options, const Program& program)
      : self_(self), log_(self.loop(), options.json_logs, options.name) {
    Environment environment = environment_of(options);
    if (options.preload) add_preload(options, program, environment);
    service_.emplace(self, options_of(options, program, std::move(environment)));
    service_->on_event([this](const Event& event) {
      figures_.on_event(event);
      log_.event(event);
    });
    service_->on_output([this](const OutputLine& line) { log_.output(line); });
    service_->on_end([this](const End& end) { over(end); });
    log_.on_full_changed([this] { log_.full() ? service_->pause_output() : service_->resume_output(); });
    watch_signals();
    if (options.admin && !open_admin(*options.admin)) return;
    service_->start();
  }

 private:
  void add_preload(const RunOptions& options, const Program& program, Environment& environment) {
    if (would_be_refused(environment, program)) {
      log_.say("problem",
               "Node programs run without the preload module: the permission model would refuse it");
      return;
    }
    auto written = Preload::write(options.grace);
    if (!written) {
      log_.say("problem", "Node programs run without the preload module: " + written.error());
      return;
    }
    preload_.emplace(*std::move(written));
    environment.set("NODE_OPTIONS", preload_->options(environment.get("NODE_OPTIONS").value_or("")));
  }

  bool open_admin(const net::Endpoint& endpoint) {
    try {
      admin_.emplace(self_.loop(), endpoint, *service_, figures_);
      log_.listening_for_admin(admin_->local().to_string());
      return true;
    } catch (const Error& error) {
      leave(listener_not_opened, "--admin: " + std::string(error.what()));
      return false;
    }
  }

  void watch_signals() {
    const auto watch = [this](int number, auto act) {
      watchers_.emplace_back(self_.loop(), number, [this, act](int signal) { (this->*act)(signal); });
    };
    for (const int number : {SIGTERM, SIGINT}) watch(number, &Run::told_to_end);
    for (const int number : {SIGHUP, SIGUSR2}) watch(number, &Run::told_to_reload);
    for (const int number : {SIGTTIN, SIGTTOU}) watch(number, &Run::told_to_scale);
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
  void told_to_reload(int /*signal*/) { service_->reload(); }
  void told_to_scale(int signal) { service_->scale(signal == SIGTTIN ? 1 : -1); }

  void over(const End& end) {
    const bool killed = end.reason() == EndReason::killed;
    leave(killed ? by_signal + ended_by_ : code_of(end.reason()),
          killed || end.reason() == EndReason::stopped ? "" : end.text());
  }
  void leave(int code, const std::string& cause) {
    if (!cause.empty()) log_.say("failed", cause);
    log_.flush();
    self_.exit(code);
  }

  Process& self_;
  Log log_;
  Figures figures_;
  std::optional<Preload> preload_;
  std::optional<Supervisor> service_;
  std::optional<Admin> admin_;
  std::list<SignalWatcher> watchers_;
  bool ending_ = false;
  int ended_by_ = 0;
};

int fail(int code, const std::string& text, bool json = false) {
  const std::string line = json ? json_line(Value::object().set("event", "failed").set("message", text))
                                : "baton run: " + text + "\n";
  std::fputs(line.c_str(), stderr);
  return code;
}

}  // namespace

int run_verb(int argc, char** argv, const std::vector<std::string>& arguments) {
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
  const auto program =
      find_program(options->program, options->interpreter, options->cwd, environment_of(*options));
  if (!program) return fail(program.error().code, program.error().text, options->json_logs);

  auto entry = [&options, &program](Process& self) -> Task<> {
    const Run run(self, *options, *program);
    Promise<> never(self.loop());
    co_await never.op();  // Run ends the process
  };
  return baton::run(argc, argv, {{"run", entry}});
}

}  // namespace baton::cli
