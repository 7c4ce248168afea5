#pragma once

#include <sys/types.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/spawn/child.h"
#include "baton/spawn/exit_status.h"
#include "baton/spawn/options.h"

namespace baton {

/// How a command is run whose output is collected: how its process is started, and the limits of its output.
/// `ExecOptions().cwd("/srv/app").timeout(5s)`
class ExecOptions {
 public:
  ExecOptions() { process_.stdio(0, Stdio::ignore()); }
  /// With more about the process than is named here: the user it runs as, further descriptors. Whatever is
  /// piped in `process`, but for standard input, is collected; standard input that is piped gets `input()`,
  /// or its end at once unless `on_child` is there to write to it.
  explicit ExecOptions(SpawnOptions process) : process_(std::move(process)) {}

  /// The directory the command starts in; "" is this process's.
  ExecOptions& cwd(std::string path) { return process_.cwd(std::move(path)), *this; }
  /// Replaces the whole environment.
  ExecOptions& env(Environment environment) { return process_.env(std::move(environment)), *this; }
  /// Sets one variable on top.
  ExecOptions& add_env(std::string key, std::string value) {
    return process_.add_env(std::move(key), std::move(value)), *this;
  }
  /// Takes one variable away.
  ExecOptions& remove_env(std::string key) { return process_.remove_env(std::move(key)), *this; }
  /// How long the command and its output may take, by default for ever. When the time is up, the process is
  /// sent the kill signal once, and its streams are closed; the result comes when the process has ended.
  ExecOptions& timeout(std::chrono::nanoseconds time) { return process_.timeout(time), *this; }
  /// The command is sent the kill signal and its streams are closed, as by the timeout, when `token` is asked
  /// to stop (on the loop's thread); `ExecResult::cancelled` says so. Node's `signal`.
  ExecOptions& kill_on(std::stop_token token) { return process_.kill_on(std::move(token)), *this; }
  /// What is sent when the time is up, the token stopped or the output too long: SIGTERM by default.
  ExecOptions& kill_signal(int signal) { return process_.kill_signal(signal), *this; }
  /// How many bytes of standard output, and as many of standard error, are collected: 1 MiB by default. With
  /// one byte more the command is ended as by the timeout, and the result is cut to exactly so many bytes.
  ExecOptions& max_buffer(size_t bytes) { return max_buffer_ = bytes, *this; }
  /// What the command reads from its standard input; by default there is nothing to read.
  ExecOptions& input(std::string bytes) {
    process_.stdio(0, Stdio::pipe());
    return input_ = std::move(bytes), *this;
  }
  /// What runs the command, given `-c -- COMMAND`. `exec` always has one, by default /bin/sh; `exec_file`
  /// only if this is set, and then takes no arguments.
  ExecOptions& shell(std::string path = "/bin/sh") { return process_.shell(std::move(path)), *this; }
  /// Called once when the process runs, before anything of it is read: to know its pid, to write to its
  /// standard input (if that is piped and there is no `input`), to signal it. The Child stays the command's:
  /// it is good until the result is there, and its callbacks are taken. An exception that leaves it goes
  /// where those of other callbacks go, and the command goes on. What `exec` of Node returns.
  ExecOptions& on_child(Handler<Child&> callback) {
    return on_child_ = detail::shared_function<Child&>(std::move(callback)), *this;
  }

  /// @{
  /// What was set.
  [[nodiscard]] const SpawnOptions& process() const noexcept { return process_; }
  [[nodiscard]] size_t max_buffer() const noexcept { return max_buffer_; }
  /// @}
  /// Nothing: not set.
  [[nodiscard]] const std::optional<std::string>& input() const noexcept { return input_; }
  /// What was set.
  [[nodiscard]] const std::function<void(Child&)>& on_child() const noexcept { return on_child_; }

 private:
  SpawnOptions process_;
  size_t max_buffer_ = size_t{1} << 20;
  std::optional<std::string> input_;
  std::function<void(Child&)> on_child_;
};

/// How a command ended and what it wrote. That it failed is a result too.
class ExecResult {
 public:
  /// How its process ended.
  [[nodiscard]] const ExitStatus& status() const noexcept { return status_; }
  /// @{
  /// What it wrote to standard output and to standard error, at most `max_buffer` bytes each.
  [[nodiscard]] const std::string& out() const noexcept { return out_; }
  [[nodiscard]] const std::string& err() const noexcept { return err_; }
  /// @}
  /// What it wrote to a further descriptor that was piped to us, at most `max_buffer` bytes: Node's
  /// `output[n]`. Nothing if that was not piped.
  [[nodiscard]] std::optional<std::string_view> output(int descriptor) const;
  /// The number that its process had.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Whether it was sent the kill signal, because of its time, its token or its output. Node's
  /// `error.killed`.
  [[nodiscard]] bool killed() const noexcept { return killed_; }
  /// Whether its time was up before it was done.
  [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }
  /// Whether it wrote more than `max_buffer` bytes: Node's ERR_CHILD_PROCESS_STDIO_MAXBUFFER.
  [[nodiscard]] bool truncated() const noexcept { return truncated_; }
  /// Whether its token was asked to stop before it was done: Node's AbortError.
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
  /// Exit code 0, in time, within the limits and to its end.
  [[nodiscard]] bool success() const noexcept {
    return status_.success() && !timed_out_ && !truncated_ && !cancelled_;
  }
  /// "exit code 3", "killed by SIGTERM: the time was up", "killed by SIGTERM: standard output is longer than
  /// max_buffer (ERR_CHILD_PROCESS_STDIO_MAXBUFFER)".
  [[nodiscard]] std::string describe() const;

 private:
  friend class Execution;
  ExitStatus status_;
  std::string out_;
  std::string err_;
  std::map<int, std::string> more_;
  pid_t pid_ = 0;
  bool killed_ = false;
  bool timed_out_ = false;
  bool truncated_ = false;
  bool cancelled_ = false;
  int too_long_ = -1;
};

/// Runs `command` by /bin/sh and collects its output. Mirrors Node's `exec`. Settles when the shell has ended
/// and its output too; a descendant in the background that holds the output open is waited for, as in Node,
/// unless the timeout cuts it short.
///
/// Fails with what `spawn` throws, and at once with EPERM if the kernel refuses the kill when the time is up
/// (a set-user-id program runs by then): it goes on as it likes. A command that the shell does not find is
/// exit code 127. Dropping the Op lets the command go on to its end, and so does withdrawing the wait: only
/// the timeout and `kill_on` kill. If the loop is destroyed first, the command is killed. Misuse, as in
/// `spawn`, throws.
///
/// The shell interprets every byte of `command`: never put into it what a stranger wrote; `exec_file` is safe
/// there.
[[nodiscard]] Op<ExecResult> exec(Loop& loop, std::string command,
                                  const ExecOptions& options = ExecOptions());

/// The same for a program and its arguments, without a shell. Mirrors Node's `execFile`.
[[nodiscard]] Op<ExecResult> exec_file(Loop& loop, std::string file, std::vector<std::string> arguments = {},
                                       const ExecOptions& options = ExecOptions());
/// The same with the arguments one by one: `co_await exec_file(loop, "git", "log", "-1")`.
template <class... More>
  requires(std::convertible_to<const More&, std::string_view> && ...)
[[nodiscard]] Op<ExecResult> exec_file(Loop& loop, std::string file, std::string_view first,
                                       const More&... more) {
  return exec_file(loop, std::move(file), std::vector<std::string>{std::string(first), std::string(more)...});
}

}  // namespace baton
