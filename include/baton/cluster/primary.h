#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baton/cluster/listen_rule.h"
#include "baton/cluster/listening.h"
#include "baton/cluster/policy.h"
#include "baton/cluster/worker_process.h"
#include "baton/process/process.h"

namespace baton::cluster {

/// How a primary starts and feeds its workers; mirrors `cluster.setupPrimary`. A class with setters, so that
/// it may stand inside a `co_await` expression.
class PrimaryOptions {
 public:
  /// What workers run, as `Process::fork` takes it: an entry of this program, another executable, or a script
  /// for Node. The entry "worker" by default.
  PrimaryOptions& exec(std::string module) { return exec_ = std::move(module), *this; }
  /// Their arguments, Node's own arguments, the interpreter, the directory, user, environment and streams
  /// (inherited unless set).
  PrimaryOptions& fork(ForkOptions options) { return fork_ = std::move(options), *this; }
  /// The arguments of the workers. Mirrors `settings.args`.
  PrimaryOptions& args(std::vector<std::string> arguments) { return fork_.args(std::move(arguments)), *this; }
  /// How messages are written between the primary and its workers; JSON unless set here or in `fork`.
  PrimaryOptions& serialization(Serialization how) { return fork_.serialization(how), *this; }
  /// Standard output and error are pipes, to be read at `WorkerProcess::process()`. What a descendant still
  /// holds open of them 5 s after the worker's end is closed then, unless `SpawnOptions::close_grace` says
  /// otherwise.
  PrimaryOptions& silent(bool on = true) { return silent_ = on, *this; }
  /// Which worker gets a connection. By default what NODE_CLUSTER_SCHED_POLICY says, as Node reads it
  /// ("none": shared), else in turn.
  PrimaryOptions& policy(Policy policy) { return policy_ = std::move(policy), *this; }
  /// How many connections wait in the kernel for each listener, unless a worker asks for another number;
  /// 4,096. The kernel takes no more than net.core.somaxconn.
  PrimaryOptions& backlog(int connections) { return backlog_ = connections, *this; }
  /// A worker that reports and does not answer for so long (a hang, SIGSTOP) is killed, and what it had not
  /// accepted goes to others. Off (0) by default. At least 30 ms.
  PrimaryOptions& hang_timeout(std::chrono::milliseconds time) { return hang_timeout_ = time, *this; }

  /// A socket that is bound (and listens, unless it is of UDP) already: a worker that asks for its address,
  /// or for its port at every address of the machine, is served from it. It is copied when the Primary is
  /// made, and stays yours. For those that systemd gave to this process. May be said again. A bad descriptor
  /// throws Error then.
  PrimaryOptions& serve_from(int descriptor) { return given_.push_back(descriptor), *this; }

  /// Workers may ask for what this or another rule allows, and for nothing else: `ListenRule("127.0.0.1:*")`.
  /// What is allowed is opened with this process's rights. Without a rule a worker of this user gets what it
  /// asks for; one of another user, or with fewer capabilities, what its own rights allow, as the kernel
  /// judges them: no port below 1024 (net.ipv4.ip_unprivileged_port_start), no path where it may not make a
  /// file, and no listener of another user's worker. Who is refused is told EACCES, or what else the kernel
  /// says.
  PrimaryOptions& allow_listen(ListenRule rule) { return allow_listen_.push_back(std::move(rule)), *this; }

  /// @{
  /// What was set.
  [[nodiscard]] const std::string& exec() const noexcept { return exec_; }
  [[nodiscard]] const ForkOptions& fork() const noexcept { return fork_; }
  [[nodiscard]] bool silent() const noexcept { return silent_; }
  [[nodiscard]] const std::optional<Policy>& policy() const noexcept { return policy_; }
  [[nodiscard]] int backlog() const noexcept { return backlog_; }
  [[nodiscard]] std::chrono::milliseconds hang_timeout() const noexcept { return hang_timeout_; }
  [[nodiscard]] const std::vector<ListenRule>& allow_listen() const noexcept { return allow_listen_; }
  [[nodiscard]] const std::vector<int>& serve_from() const noexcept { return given_; }
  /// @}

 private:
  std::string exec_ = "worker";
  ForkOptions fork_;
  std::vector<ListenRule> allow_listen_;
  std::vector<int> given_;
  std::optional<Policy> policy_;
  std::chrono::milliseconds hang_timeout_{0};
  int backlog_ = 4096;
  bool silent_ = false;
};

/// What is different for one worker.
class WorkerOptions {
 public:
  /// Sets a variable of its environment, on top of the primary's options. Mirrors `cluster.fork(env)`.
  WorkerOptions& add_env(std::string key, std::string value) {
    return env_.emplace_back(std::move(key), std::move(value)), *this;
  }
  /// The place that it holds, 1 or more: a worker that replaces another gets the same. `sticky` hashes over
  /// slots, `reuse_port` has a socket for each. By default the lowest that no live worker holds.
  WorkerOptions& slot(uint32_t number) { return slot_ = number, *this; }
  /// @{
  /// In place of the primary's `exec` and `fork` options.
  WorkerOptions& exec(std::string module) { return exec_ = std::move(module), *this; }
  WorkerOptions& fork(ForkOptions options) { return fork_ = std::move(options), *this; }
  /// @}

  /// @{
  /// What was set.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& env() const noexcept { return env_; }
  [[nodiscard]] uint32_t slot() const noexcept { return slot_; }
  [[nodiscard]] const std::optional<std::string>& exec() const noexcept { return exec_; }
  [[nodiscard]] const std::optional<ForkOptions>& fork() const noexcept { return fork_; }
  /// @}

 private:
  std::vector<std::pair<std::string, std::string>> env_;
  std::optional<std::string> exec_;
  std::optional<ForkOptions> fork_;
  uint32_t slot_ = 0;
};

/// The primary of a cluster: forks workers, of this program or unmodified Node's, opens the ports that they
/// ask for, and hands them the connections. Mirrors Node's `cluster` in the primary.
///
///     baton::Task<> primary(baton::Process& self) {
///       baton::cluster::Primary cluster(self);
///       for (unsigned i = 0; i < baton::available_parallelism(); ++i) cluster.fork();
///       co_await cluster.ended();
///     }
///
/// A connection has one owner at any time. It is accepted when a worker has room for it, and until then waits
/// in the kernel; the primary keeps its own copy until the worker says that it has it, and gives it to
/// another when the worker refuses it, or is dead and everything that it had sent has been read. A worker
/// whose channel closes while it lives and has not answered is ended (SIGTERM after 1 s, then SIGKILL).
///
/// A worker may be a wrapper (a shell) that lives on while the process behind it speaks as the worker. When
/// the one ends that asked for listeners, the worker's channel ends.
///
/// Listeners belong to the primary and stay open when the last worker dies; without a worker connections wait
/// in the kernel. A listener that its last worker closes while it goes on is closed 1 s later; one on port 0
/// that no second worker asked for, at once. What nobody uses yields its port to a worker of the same user
/// that asks for it by another address.
///
/// What workers may ask for is bounded by the limit of descriptors (RLIMIT_NOFILE) that this process has when
/// this is made: a quarter of it, at most 1,024, for the sockets of all listeners, and a quarter of that, at
/// most 256, for the listeners of a worker, with those that dead ones of its slot have left. If there is no
/// room, what one dead worker alone has used is closed, the oldest first; else the worker gets EMFILE or
/// ENFILE, and the error is reported. A listener that nobody has used for 60 s, while the worker in the place
/// of its last user listens elsewhere, is closed.
class Primary {
 public:
  /// Makes this process a primary. `process` must outlive it.
  explicit Primary(Process& process, const PrimaryOptions& options = PrimaryOptions());
  /// @{
  /// Moves; every call of the other but assignment and destruction throws std::logic_error afterwards.
  Primary(Primary&&) noexcept;
  Primary& operator=(Primary&&) noexcept;
  /// @}
  /// Closes the listeners and stops the workers that are left as `Child::stop` does, in the background.
  ~Primary();

  /// Starts a worker. Throws as `Process::fork` does. Mirrors `cluster.fork(env)`.
  WorkerProcess& fork(const WorkerOptions& options = WorkerOptions());
  /// What new workers are started with. Mirrors `cluster.settings`.
  [[nodiscard]] const PrimaryOptions& settings() const;
  /// Workers that have not closed yet, in the order of their ids. Mirrors `cluster.workers`.
  [[nodiscard]] std::vector<WorkerProcess*> workers() const;
  /// The worker of that id; null if there is none.
  [[nodiscard]] WorkerProcess* find(uint32_t id) const;

  /// Tells every worker to leave; settles when they have gone and the listeners are closed. Mirrors
  /// `cluster.disconnect()`.
  Op<> disconnect();
  /// Settles at that moment, without asking for it; also when all workers have ended by themselves.
  [[nodiscard]] Op<> ended();

  /// Closes every listener now: who connects from now on is refused, and what waits for a worker is dropped.
  /// For an end of which the workers are told beside.
  void close_listeners();
  /// Lets nobody new in, and ends when nobody who was let in waits for a worker any more, after half a second
  /// at the latest: `close_listeners` then loses nobody. `disconnect` begins with it. The next `fork` takes
  /// it back. See `net::Server::last_call`; what was inherited stays as it is.
  [[nodiscard]] Op<> last_call();

  /// What is open, as it was bound: "[::]:8080" for a worker's `listen(8080)`, the port that was chosen for
  /// 0.
  [[nodiscard]] std::vector<Listening> listeners() const;
  /// How many connections are handed out and not answered.
  [[nodiscard]] std::size_t in_flight() const;
  /// How many connections came back from a worker and went to another, since the beginning.
  [[nodiscard]] uint64_t requeued() const;

  /// @{
  /// Each event of each worker; what the worker's own callback gets comes here first. `on_fork` comes right
  /// after the `fork` that caused it.
  void on_fork(Handler<WorkerProcess&> callback);
  void on_online(Handler<WorkerProcess&> callback);
  void on_listening(Handler<WorkerProcess&, const Listening&> callback);
  void on_disconnect(Handler<WorkerProcess&> callback);
  void on_exit(Handler<WorkerProcess&, const ExitStatus&> callback);
  void on_close(Handler<WorkerProcess&, const ExitStatus&> callback);
  /// @}
  /// May take the message's handle.
  void on_message(Handler<WorkerProcess&, Message&> callback);
  /// What was wrong with what a worker sent, and failures that nobody waits for.
  void on_error(Handler<WorkerProcess&, const Error&> callback);
  /// A listener that a worker asked for could not be opened, or is not for it; the worker was told the same
  /// errno, as Node's 'error' event of its server. Of what a worker may not have the first is told.
  void on_listen_error(Handler<WorkerProcess&, const Listening&, const Error&> callback);
  /// Nobody could connect to a listener any more: one of the workers that share it had shut it down, or
  /// somebody had removed the file of a Unix-domain socket, which is looked at when a worker asks for the
  /// path and every 2 s. Told at most once a second for each listener. Without it, one line on standard
  /// error. Workers that have a socket which was opened anew since get no more connections by the old one and
  /// should be replaced.
  void on_shut_down(Handler<const Listening&, ShutDown> callback);
  /// A worker that was not told to leave has closed the last of its listeners: it leaves of its own will, or
  /// will listen again.
  void on_stopped_listening(Handler<WorkerProcess&> callback);
  /// A worker did not answer within `hang_timeout` and was killed.
  void on_hang(Handler<WorkerProcess&> callback);

 private:
  friend class WorkerProcess;
  struct State;
  [[nodiscard]] State& state() const;
  std::shared_ptr<State> state_;
};

}  // namespace baton::cluster
