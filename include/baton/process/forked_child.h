#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/spawn/child.h"
#include "baton/spawn/exit_status.h"
#include "baton/spawn/options.h"

namespace baton {

/// How `Process::fork` starts a child. A class with setters, so that it may stand inside a `co_await`
/// expression.
class ForkOptions {
 public:
  /// The child's arguments, after its program's (and script's) name.
  ForkOptions& args(std::vector<std::string> arguments) { return args_ = std::move(arguments), *this; }
  /// What runs scripts; $BATON_NODE if set, else `node` in the child's PATH.
  ForkOptions& interpreter(std::string program) { return interpreter_ = std::move(program), *this; }
  /// Arguments for the interpreter, before the script's name. Mirrors `execArgv`.
  ForkOptions& exec_args(std::vector<std::string> arguments) {
    return exec_args_ = std::move(arguments), *this;
  }
  /// Standard input, output and error are pipes to us (`process().stdout_stream()`) instead of inherited.
  ForkOptions& silent() { return spawn_.stdio(Stdio::pipe()), *this; }
  /// Directory, environment, user, standard streams, timeout and so on. Those of a default ForkOptions, which
  /// these replace, only say that the streams are inherited. There is never a shell.
  ForkOptions& spawn(SpawnOptions options) { return spawn_ = std::move(options), *this; }

  /// Which descriptor of the child its channel is; 3. For children that are given others from 3 on.
  ForkOptions& channel_number(int number) { return channel_number_ = number, *this; }

  /// Whether the child is told of a channel; true. One that is not finds none of Node's variables in its
  /// environment, and its channel is disconnected from the beginning. For programs that cannot speak: what
  /// they start would take the variables for its own.
  ForkOptions& channel(bool on) { return channel_ = on, *this; }

  /// How messages are written, at both ends; JSON unless set. Mirrors `serialization`.
  ForkOptions& serialization(Serialization how) { return serialization_ = how, *this; }

  /// The longest frame that our end takes and sends; see `ChannelOptions::longest_message`.
  ForkOptions& longest_message(std::size_t bytes) { return longest_message_ = bytes, *this; }

  /// For the layers above: `Channel::sender` and `senders` know who writes, from the first byte on.
  ForkOptions& notice_senders() { return notices_senders_ = true, *this; }

  /// @{
  /// What was set.
  [[nodiscard]] const std::vector<std::string>& args() const noexcept { return args_; }
  [[nodiscard]] const std::string& interpreter() const noexcept { return interpreter_; }
  [[nodiscard]] const std::vector<std::string>& exec_args() const noexcept { return exec_args_; }
  [[nodiscard]] const SpawnOptions& spawn() const noexcept { return spawn_; }
  [[nodiscard]] bool channel() const noexcept { return channel_; }
  [[nodiscard]] int channel_number() const noexcept { return channel_number_; }
  [[nodiscard]] bool notices_senders() const noexcept { return notices_senders_; }
  [[nodiscard]] Serialization serialization() const noexcept { return serialization_; }
  [[nodiscard]] std::size_t longest_message() const noexcept { return longest_message_; }
  /// @}

 private:
  std::vector<std::string> args_;
  std::string interpreter_;
  std::vector<std::string> exec_args_;
  SpawnOptions spawn_ = SpawnOptions().stdio(Stdio::inherit());
  std::size_t longest_message_ = std::size_t{64} << 20;
  int channel_number_ = 3;
  bool channel_ = true;
  bool notices_senders_ = false;
  Serialization serialization_ = Serialization::json;
};

/// A child that was forked: our end of the channel to it, and its process. Mirrors what Node's `fork`
/// returns. It belongs to the `Process` that forked it. A reference that is kept stays good after the child's
/// end, until 1,024 others have ended after it: `send` then says Errc::disconnected, `pid()`, `status()` and
/// `uncaught()` answer. In the tick after `on_close` the callbacks are cut, and what nobody has taken
/// (messages, streams) is dropped.
///
/// Events come in this order: messages; then `on_exit` and `on_disconnect` in either order, but neither
/// before a message that the child had sent; `on_close` last. The channel ends with the child, whoever else
/// has come to hold its end; Node's lasts as long as anybody does.
class ForkedChild : public Channel, public std::enable_shared_from_this<ForkedChild> {
 public:
  /// For the layers above: made by `Process::fork`.
  ForkedChild(Channel channel, Child process);

  /// The process, for its streams and signals; its events come here instead.
  [[nodiscard]] Child& process() noexcept { return process_; }
  /// The number of the process; mirrors `subprocess.pid`.
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  /// How it ended; nothing while it runs. Mirrors `subprocess.exitCode` and `signalCode`.
  [[nodiscard]] const std::optional<ExitStatus>& status() const { return process_.status(); }
  /// Sends a signal; false if the process has ended. Mirrors `subprocess.kill`.
  bool kill(int signal_number = SIGTERM) { return process_.kill(signal_number); }
  /// SIGTERM, and SIGKILL when the grace of its options is over.
  void stop() { process_.stop(); }

  /// The process has ended, once; everything that it had sent before has been delivered.
  void on_exit(Handler<const ExitStatus&> callback) { on_exit_ = std::move(callback); }
  /// The process has ended, so has every stream of it that is being read (see `Child::on_close`), and the
  /// channel is closed; once. Mirrors 'close'.
  void on_close(Handler<const ExitStatus&> callback) { on_close_ = std::move(callback); }
  /// Settles when the process has ended and everything that it had sent before has been delivered.
  [[nodiscard]] Op<ExitStatus> exited();
  /// The message of the exception that ended it, if it is a Baton and one did; empty otherwise.
  [[nodiscard]] const std::string& uncaught() const noexcept { return uncaught_; }

 private:
  friend class Process;
  void begin(Callback forget);
  void was_heard(const ExitStatus& status);
  void close_if_over();
  void forget();

  Child process_;
  std::string uncaught_;
  std::optional<ExitStatus> status_;  // once the end was told
  bool channel_closed_ = false;
  bool streams_closed_ = false;
  bool closing_ = false;
  std::vector<Promise<ExitStatus>> exit_waits_;
  std::move_only_function<void(const ExitStatus&)> on_exit_;
  std::move_only_function<void(const ExitStatus&)> on_close_;
  Callback forget_;
};

}  // namespace baton
