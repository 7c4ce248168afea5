#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/net/socket.h"
#include "baton/spawn/exit_status.h"
#include "baton/spawn/options.h"

namespace baton {

/// A running program and the duty to see it to its end. Mirrors Node's `ChildProcess`.
///
///     auto child = spawn(loop, "sort", {"-u"});
///     child.stdout_stream().on_data([](std::string_view lines) { ... });
///     child.on_close([](const ExitStatus& status) { ... });
///     child.stdin_stream().end("b\na\nb\n");
///
/// It is waited for and signalled through a pidfd, so a signal never hits a stranger who got the same number,
/// and nothing needs SIGCHLD. A child that runs keeps `Loop::run` from returning, unless unref'd.
///
/// Destroying a Child cuts its callbacks, closes its streams (what was written before `end()` still goes
/// out), and stops the child in the background as `stop()` does; the loop runs until it is gone. If the loop
/// is destroyed first, the child is killed. `detach()` lets it live instead. Nothing here blocks or leaves a
/// zombie. (Node's `subprocess[Symbol.dispose]`.)
class Child {
 public:
  /// No child: every call but assignment, destruction and `operator bool` is misuse (std::logic_error).
  Child() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  /// @}
  ~Child();

  /// Whether this holds a child, be it running or ended.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The number by which others know the child. Once it has ended, another process may bear it.
  [[nodiscard]] pid_t pid() const;
  /// How it ended; nothing while it runs.
  [[nodiscard]] const std::optional<ExitStatus>& status() const;
  /// @{
  /// What was executed, and its argv with argv[0]: Node's `spawnfile` and `spawnargs`.
  [[nodiscard]] const std::string& file() const;
  [[nodiscard]] const std::vector<std::string>& arguments() const;
  /// @}
  /// Whether a signal other than 0 was sent to it from here: by `kill`, `stop`, the timeout or a stop token.
  /// Node's `killed`.
  [[nodiscard]] bool killed() const;
  /// Whether the time of `SpawnOptions::timeout` ran out.
  [[nodiscard]] bool timed_out() const;
  /// Whether the token of `SpawnOptions::kill_on` was asked to stop while it ran: Node's AbortError.
  [[nodiscard]] bool cancelled() const;

  /// Our end of the descriptor `target` of the child, if that is `Stdio::pipe()`; otherwise misuse. It
  /// belongs to the Child, is good until the Child is destroyed, and may be moved away. Output that nobody
  /// reads stays in the kernel, and in the end the child waits for a reader.
  [[nodiscard]] net::Socket& stream(int target);
  /// Where the child reads: write to it, then `end()`.
  [[nodiscard]] net::Socket& stdin_stream() { return stream(0); }
  /// @{
  /// What the child writes. Our side of it and of `stderr_stream()` is finished from the beginning.
  [[nodiscard]] net::Socket& stdout_stream() { return stream(1); }
  [[nodiscard]] net::Socket& stderr_stream() { return stream(2); }
  /// @}
  /// Whether the descriptor `target` of the child is `Stdio::pipe()`.
  [[nodiscard]] bool piped(int target) const;
  /// The child's terminal (`SpawnOptions::terminal`, else misuse) from our side: what is written is typed,
  /// what is read is on the screen, to the end of its last user. Closing it hangs up. "\x04" is Ctrl-D.
  [[nodiscard]] net::Socket& terminal();
  /// Tells the terminal its new size; the programs on it get SIGWINCH. Throws Error when the kernel refuses.
  void resize(WindowSize size);

  /// The process has ended, once. Its last output may still be on the way.
  void on_exit(Handler<const ExitStatus&> callback);
  /// The process has ended, and so has every stream of it that is being read (`on_data` or `on_end` is set),
  /// once, always after on_exit. Differs from Node's 'close' in that a stream without a reader is not waited
  /// for; a descendant that holds a stream open is waited for here as there, unless
  /// `SpawnOptions::close_grace` has an end to that.
  void on_close(Handler<const ExitStatus&> callback);
  /// Settles when the process has ended, at once if it has already; also after this Child is destroyed.
  [[nodiscard]] Op<ExitStatus> exited();

  /// Sends a signal; 0 only asks whether the child is there. False: it has ended. Throws Error when the
  /// kernel refuses (EPERM: the child runs as somebody else by now); a number that is no signal is misuse.
  bool kill(int signal = SIGTERM);
  /// Sends the stop signal of its options (SIGTERM), and SIGKILL if the child is there when their grace is
  /// over. Watch on_exit for the end. Does nothing when it has ended.
  void stop();
  /// The same with a grace of its own.
  void stop(std::chrono::nanoseconds grace);
  /// Sends a signal to the child and to everything that descends from it, one process after the other, and
  /// looks again for what was forked meanwhile; how many got it. Node has no such call.
  ///
  /// Found are its children, their children and so on while the parents between live; and, if the child leads
  /// a session (`detached`, `whole_tree`, `terminal`), everybody in that. Who may not be signalled (EPERM) is
  /// passed over; where /proc cannot be read, as with no descriptor to spare, only the child is found. 0 when
  /// the child has ended: what it left behind is `SpawnOptions::whole_tree`'s business. Who is killed for
  /// good and has cgroups to give, gives each child one and writes to its `cgroup.kill`.
  size_t kill_tree(int signal = SIGTERM);
  /// @{
  /// Ends the child and everything that descends from it: the stop signal, and after the grace SIGKILL, again
  /// and again. Settles when none is left; or it fails, with an Error that names one of them, when for 2 s
  /// after the grace none was left but those that may not be signalled (EPERM: a set-user-id program runs
  /// there). Once the child has ended, only with `whole_tree` is there anything to do.
  Op<> stop_tree();
  Op<> stop_tree(std::chrono::nanoseconds grace);
  /// @}
  /// Lets the child outlive this object, and does not keep the loop for it. Its piped streams still close
  /// with this object; see `SpawnOptions::detached` for a child that also shall not hear our terminal.
  void detach();

  /// @{
  /// Whether the running child keeps the loop running; its streams do as sockets do. Mirrors
  /// `subprocess.ref()/unref()`.
  void ref();
  void unref();
  /// @}

  /// For the layers above: closes our ends of its streams.
  void close_streams();

 private:
  friend Child spawn(Loop& loop, std::string file, std::vector<std::string> arguments,
                     const SpawnOptions& options);
  struct State;
  explicit Child(std::shared_ptr<State> state) noexcept;
  State& state() const;
  void let_go() noexcept;

  std::shared_ptr<State> state_;
};

/// Starts `file` with `arguments` (argv without argv[0]) and returns once it is executing. Like execvp(3) it
/// looks for a name without '/' in the PATH of the child's environment; no shell is involved. The child gets
/// only the descriptors that the options name. Mirrors Node's `spawn`.
///
/// Throws an Error that names what failed and why: "spawn ./worker: chdir /srv/app: no such file or
/// directory". Then there is no child, and no descriptor is left.
[[nodiscard]] Child spawn(Loop& loop, std::string file, std::vector<std::string> arguments = {},
                          const SpawnOptions& options = SpawnOptions());

}  // namespace baton
