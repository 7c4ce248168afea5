// Runs a command and says in one line of JSON what became of it, whatever that is: how `exec`, `exec_file`
// and their synchronous forms are used, and what their results and errors hold.

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "baton/baton.h"

namespace {

using baton::Error;
using baton::ExecOptions;
using baton::ExecResult;
using baton::Result;
using baton::Value;

// As many as the kernel knows of.
constexpr int most_groups = 65536;

struct Settings {
  bool shell = false;
  bool sync = false;
  std::string cwd;
  std::vector<std::string> env;
  uint64_t timeout_ms = 0;
  std::string kill_signal = "SIGTERM";
  size_t max_buffer = size_t{1} << 20;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::string input;
  std::vector<std::string> command;

  // What is executed, by which the errors name it.
  [[nodiscard]] std::string file() const { return shell ? "/bin/sh" : command.front(); }
  [[nodiscard]] std::string whole_line() const {
    std::string line;
    for (const std::string& word : command) line += (line.empty() ? "" : " ") + word;
    return line;
  }
  [[nodiscard]] std::vector<std::string> arguments() const { return {command.begin() + 1, command.end()}; }
};

// The user with the groups that are his: left alone, the group would go on being ours, perhaps root's.
void become(baton::SpawnOptions& process, uint32_t uid, std::optional<uint32_t> gid) {
  process.uid(uid);
  if (gid) return;
  const passwd* user = ::getpwuid(uid);
  if (user == nullptr) {
    throw std::invalid_argument("the password database has no user " + std::to_string(uid) +
                                ", so --gid must be given");
  }
  std::vector<gid_t> groups(most_groups);
  int count = most_groups;
  if (::getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) {
    throw std::invalid_argument("user " + std::to_string(uid) + " is in more than " +
                                std::to_string(most_groups) + " groups, so --gid must be given");
  }
  groups.resize(static_cast<size_t>(count));
  process.gid(user->pw_gid).groups(std::move(groups));
}

ExecOptions options_from(const Settings& settings) {
  baton::SpawnOptions process;
  process.stdio(0, baton::Stdio::ignore());
  if (!settings.input.empty()) {
    baton::Fd file(::open(settings.input.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) throw Error(errno, "read " + settings.input, "open " + settings.input);
    process.pass(std::move(file), 0);
  }
  if (settings.uid) become(process, *settings.uid, settings.gid);
  if (settings.gid) process.gid(*settings.gid);
  for (const std::string& variable : settings.env) {
    const size_t equals = variable.find('=');
    process.add_env(variable.substr(0, equals), variable.substr(equals + 1));
  }
  ExecOptions options(process);
  options.cwd(settings.cwd)
      .max_buffer(settings.max_buffer)
      .kill_signal(baton::signal_number(settings.kill_signal).value());
  if (settings.timeout_ms > 0) options.timeout(std::chrono::milliseconds(settings.timeout_ms));
  return options;
}

// --- the line

Value error_object(std::string code, std::string syscall, std::string path, std::string step) {
  return Value::object()
      .set("code", std::move(code))
      .set("syscall", std::move(syscall))
      .set("path", std::move(path))
      .set("step", std::move(step));
}

Value describe(const Error& error, const Settings& settings) {
  const bool input = error.operation().starts_with("read ");
  return error_object(error.name(), input ? "open" : error.operation(),
                      input ? settings.input : settings.file(), std::string(error.call()));
}

// That the command ran, but not to its own end.
Value interruption(const ExecResult& result, const Settings& settings) {
  const std::string syscall = "spawn " + settings.file();
  if (result.timed_out()) return error_object("ETIMEDOUT", syscall, settings.file(), "timeout");
  if (!result.truncated()) return nullptr;
  // As Node calls it in either form.
  const char* code = settings.sync ? "ENOBUFS" : "ERR_CHILD_PROCESS_STDIO_MAXBUFFER";
  return error_object(code, syscall, settings.file(), "max_buffer");
}

double to_ms(std::chrono::microseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void print(const ExecResult& result, Value error) {
  const baton::ExitStatus& status = result.status();
  const baton::ResourceUsage& usage = status.usage();
  const Value line =
      Value::object()
          .set("code", status.code() ? Value(*status.code()) : Value(nullptr))
          .set("signal", status.signal() ? Value(baton::signal_name(*status.signal())) : Value(nullptr))
          .set("killed", result.killed())
          .set("stdout", result.out())
          .set("stderr", result.err())
          .set("error", std::move(error))
          .set("max_rss_kib", usage.peak_memory() / 1024)
          .set("user_ms", to_ms(usage.user_time()))
          .set("system_ms", to_ms(usage.system_time()));
  std::printf("%s\n", baton::to_json(line).c_str());
}

void print(const Result<ExecResult>& outcome, const Settings& settings) {
  if (outcome) {
    print(*outcome, interruption(*outcome, settings));
  } else {
    print(ExecResult(), describe(outcome.error(), settings));
  }
}

// --- the two ways to run it

void run_sync(const Settings& settings, const ExecOptions& options) {
  print(settings.shell ? baton::exec_sync(settings.whole_line(), options)
                       : baton::exec_file_sync(settings.command.front(), settings.arguments(), options),
        settings);
}

int run_on_a_loop(const Settings& settings, const ExecOptions& options) {
  baton::Loop loop;
  auto op = settings.shell ? baton::exec(loop, settings.whole_line(), options)
                           : baton::exec_file(loop, settings.command.front(), settings.arguments(), options);
  std::move(op).then([&](const Result<ExecResult>& outcome) { print(outcome, settings); });
  loop.run();
  return 0;
}

void complain(std::string_view what) {
  std::fprintf(stderr, "run_command: %.*s (see run_command --help)\n", static_cast<int>(what.size()),
               what.data());
}

// What stands behind the options, and may look like some itself.
std::vector<std::string> command_of(std::vector<std::string> words) {
  const bool marked = !words.empty() && words.front() == "--";
  if (marked) words.erase(words.begin());
  if (words.empty()) throw std::invalid_argument("a FILE to run is missing");
  if (!marked && words.front().starts_with('-')) {
    throw std::invalid_argument("there is no option " + words.front());
  }
  return words;
}

void describe_options(CLI::App& app, Settings& settings) {
  app.add_flag("--shell", settings.shell, "the words, joined by spaces, are a command line for /bin/sh");
  app.add_option("--cwd", settings.cwd, "the directory it starts in");
  app.add_option("--env", settings.env, "K=V: one more variable, or another value for one; may be repeated")
      ->take_all()
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](const std::string& text) {
            const size_t equals = text.find('=');
            return equals == 0 || equals == std::string::npos ? text + " is not K=V" : std::string();
          },
          "K=V"));
  app.add_option("--timeout", settings.timeout_ms, "milliseconds until it is sent the kill signal; 0: never")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e12));
  app.add_option("--kill-signal", settings.kill_signal, "what it is sent then: SIGKILL, TERM, 9, ...")
      ->capture_default_str()
      ->check(CLI::Validator(
          [](const std::string& text) {
            return baton::signal_number(text) ? std::string() : "there is no signal " + text;
          },
          "SIGNAL"));
  app.add_option("--max-buffer", settings.max_buffer,
                 "how many bytes of each output are kept; with one more it is sent the kill signal")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e12));
  const auto ids = CLI::Range(0.0, double{std::numeric_limits<uint32_t>::max()} - 1);
  app.add_option("--uid", settings.uid,
                 "the user it runs as, by number; with his groups, unless --gid is given")
      ->check(ids);
  app.add_option("--gid", settings.gid, "the group it runs as, by number")->check(ids);
  app.add_option("--input", settings.input, "the file that it reads as standard input; by default, nothing");
  app.add_flag("--sync", settings.sync, "use the form that waits (exec_file_sync) instead of an event loop");
  app.prefix_command();
  app.footer(
      "Usage: run_command [OPTIONS] -- FILE [ARG...]\n\n"
      "It prints {\"code\",\"signal\",\"killed\",\"stdout\",\"stderr\",\"error\",\"max_rss_kib\",\"user_ms\","
      "\"system_ms\"}.\n"
      "\"error\" is null if the command ran to its own end, whatever its code; else it says what failed:\n"
      "{\"code\":\"ENOENT\",\"syscall\":\"spawn ls\",\"path\":\"ls\",\"step\":\"chdir\"}. Exit code 0 in any "
      "case; 2 for wrong arguments.\n\n"
      "  run_command -- ls -l /tmp\n"
      "  run_command --shell --timeout 500 -- 'sleep 10 | cat'\n"
      "  run_command --uid 65534 --gid 65534 --cwd / --env LANG=C -- id");
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Runs a command, and prints as one line of JSON what became of it.", "run_command");
  try {
    describe_options(app, settings);
    app.parse(argc, argv);
    settings.command = command_of(app.remaining());
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    complain(error.what());
    return 2;
  }
  try {
    const ExecOptions options = options_from(settings);
    if (!settings.sync) return run_on_a_loop(settings, options);
    run_sync(settings, options);
  } catch (const Error& error) {
    print(ExecResult(), describe(error, settings));
  } catch (const std::invalid_argument& error) {
    complain(error.what());
    return 2;
  }
  return 0;
}
