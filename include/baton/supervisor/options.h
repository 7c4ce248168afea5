#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baton/cluster/listen_rule.h"
#include "baton/cluster/policy.h"
#include "baton/cluster/worker_process.h"
#include "baton/net/endpoint.h"
#include "baton/process/forked_child.h"
#include "baton/supervisor/ready.h"

namespace baton::supervisor {

/// A socket that is opened here and handed to every worker as systemd hands it.
class ListenSocket {
 public:
  /// A name, and where it listens.
  ListenSocket(std::string name, net::Endpoint endpoint)
      : name_(std::move(name)), endpoint_(std::move(endpoint)) {}
  /// It is of UDP: bound, and never listening.
  ListenSocket& udp(bool on = true) { return udp_ = on, *this; }
  /// @{
  /// Of the file of a Unix-domain socket, which is to have this mode, and to be this user's and this group's.
  /// Without a mode it is 0660 where somebody is named, else as the umask says.
  ListenSocket& mode(unsigned mode) { return mode_ = mode, *this; }
  ListenSocket& owner(uid_t user) { return owner_ = user, *this; }
  ListenSocket& group(gid_t group) { return group_ = group, *this; }
  /// @}

  /// @{
  /// What was set.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const net::Endpoint& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] bool is_udp() const noexcept { return udp_; }
  [[nodiscard]] const std::optional<unsigned>& mode() const noexcept { return mode_; }
  [[nodiscard]] const std::optional<uid_t>& owner() const noexcept { return owner_; }
  [[nodiscard]] const std::optional<gid_t>& group() const noexcept { return group_; }
  /// @}

 private:
  std::string name_;
  net::Endpoint endpoint_;
  bool udp_ = false;
  std::optional<unsigned> mode_;
  std::optional<uid_t> owner_;
  std::optional<gid_t> group_;
};

/// What is run, how many times, and when it is started again. `Options("./server").workers(4).min_uptime(2s)`
class Options {
 public:
  /// The unit of the times.
  using Time = std::chrono::nanoseconds;

  /// What `Process::fork` is given for each worker: the name of an entry of this program, an executable (the
  /// name has a '/') or a script.
  explicit Options(std::string module) : module_(std::move(module)) {}

  /// Arguments, interpreter, directory, environment and so on. Every worker leads a session of its own,
  /// whatever this says.
  Options& fork(ForkOptions how) { return fork_ = std::move(how), *this; }
  /// How many workers there shall be; at least 1, else misuse. 1 by default.
  Options& workers(unsigned count);
  /// Which worker gets a connection; round robin by default.
  Options& policy(cluster::Policy policy) { return policy_ = std::move(policy), *this; }
  /// Opens a socket and hands it to the workers as `LISTEN_FDS` (descriptor 3 and up, in the order of these
  /// calls) under `name` in `LISTEN_FDNAMES`. Blocking, close-on-exec only here, with a backlog of 4,096.
  /// If this process was given sockets in the same way (LISTEN_PID is its own), the one of that name or of
  /// that address is taken instead; without a call of this, all of them are handed on. A worker of the
  /// cluster that listens on the address of one by itself is served from it, too.
  Options& listen(std::string name, net::Endpoint endpoint) {
    return listen(ListenSocket(std::move(name), std::move(endpoint)));
  }
  /// The same, and more of it.
  Options& listen(ListenSocket socket) { return listen_.push_back(std::move(socket)), *this; }
  /// Workers may ask for what this or another rule allows, and for nothing else; see
  /// `PrimaryOptions::allow_listen`, also for what is allowed without a rule.
  Options& allow_listen(cluster::ListenRule rule) { return allow_listen_.push_back(std::move(rule)), *this; }
  /// Hands the workers' standard output and error to `Supervisor::on_output`, line by line. Without it they
  /// go where `fork` says.
  Options& capture_output(bool on = true) { return capture_output_ = on, *this; }

  /// @{
  /// What counts as ready; `any` by default. With a probe nothing else does.
  Options& ready(Ready what) { return ready_ = what, *this; }
  Options& ready(ReadyProbe probe) { return ready_ = Ready::probe, probe_ = std::move(probe), *this; }
  /// @}
  /// Who is started again; `always` by default. When every worker has ended and none is, it is over.
  Options& restart(Restart who) { return restart_ = who, *this; }
  /// How a reload replaces a worker; `automatic` by default.
  Options& reload(Reload how) { return reload_ = how, *this; }
  /// How long a worker has to become ready before it is killed; 10 s. 0: for ever.
  Options& listen_timeout(Time time) { return listen_timeout_ = time, *this; }
  /// How long a worker that was told to stop has before it is killed with all its descendants; 8 s, as
  /// whoever stops this process often has 10. Who has had no SIGTERM by then gets it 2 s before, or a fifth
  /// of this, whichever is shorter. 0: for ever, and so long a reload may wait for it.
  Options& kill_timeout(Time time) { return kill_timeout_ = time, *this; }
  /// How long after `Supervisor::stop` the workers still serve; 0.
  Options& drain_delay(Time time) { return drain_delay_ = time, *this; }
  /// A worker that dies before it is ready, or sooner than this after, died *unstable*; and so long the first
  /// worker of a reload is tried beside the old ones. With 0 none does, and none is. 1 s.
  Options& min_uptime(Time time) { return min_uptime_ = time, *this; }
  /// How long a worker's successor waits after an unstable death: `first`, doubling with each further one up
  /// to `longest`; the wait itself is by chance between half of that and all. After a stable death there is
  /// no wait. 100 ms to 30 s.
  Options& backoff(Time first, Time longest) { return backoff_ = {first, longest}, *this; }
  /// After so many unstable deaths of one slot within 60 s everything is given up; 0: never. 10. It counts
  /// from the moment on that any worker was ready: if none ever is, each slot has three tries.
  Options& max_restarts(unsigned count) { return max_restarts_ = count, *this; }
  /// Kills a worker that does not answer for so long; never by default, and with 0.
  Options& hang_timeout(std::optional<Time> time) {
    return hang_timeout_ = time == Time(0) ? std::nullopt : time, *this;
  }
  /// Replaces a worker, as a reload does, whose resident memory has been over so many bytes for 5 s; off by
  /// default.
  Options& max_memory(std::optional<uint64_t> bytes) { return max_memory_ = bytes, *this; }
  /// The signal that a worker is sent when it is told to stop, before Node's `disconnect`; who is still there
  /// gets SIGTERM as `kill_timeout` says. Without it that is SIGTERM, and only if its program handles it. A
  /// number that is no signal is misuse.
  Options& stop_signal(std::optional<int> signal);
  /// Whether this process takes over what its workers' descendants leave behind (PR_SET_CHILD_SUBREAPER):
  /// collects them when they end, and ends them with the last worker. On by default; a process 1 always does.
  /// While it is set, only the supervisor's thread may start processes, and with Baton: another child that
  /// leads a session of its own (in a process 1: any) is taken for an orphan, collected and in the end
  /// killed.
  Options& adopt_orphans(bool on) { return adopt_orphans_ = on, *this; }

  /// Is called before each start of a worker, with what `fork` says of it, and may change that. When an
  /// exception leaves it, that worker's start has failed. Nothing by default.
  template <detail::plain_function<SpawnOptions&> F>
  Options& before_start(F change) {
    return before_start_ = std::move(change), *this;
  }
  /// Is called with each worker right after its start: to send it messages, and to set the callbacks that it
  /// has beside those of the supervisor: all but `on_signalled`. Nothing by default.
  Options& after_start(Handler<cluster::WorkerProcess&> meet) {
    return after_start_ = detail::shared_function<cluster::WorkerProcess&>(std::move(meet)), *this;
  }

  /// @{
  /// What was set.
  [[nodiscard]] const std::string& module() const noexcept { return module_; }
  [[nodiscard]] const ForkOptions& fork() const noexcept { return fork_; }
  [[nodiscard]] unsigned workers() const noexcept { return workers_; }
  [[nodiscard]] const cluster::Policy& policy() const noexcept { return policy_; }
  [[nodiscard]] const std::vector<ListenSocket>& listen() const noexcept { return listen_; }
  [[nodiscard]] const std::vector<cluster::ListenRule>& allow_listen() const noexcept {
    return allow_listen_;
  }
  [[nodiscard]] bool capture_output() const noexcept { return capture_output_; }
  [[nodiscard]] Ready ready() const noexcept { return ready_; }
  [[nodiscard]] const std::optional<ReadyProbe>& ready_probe() const noexcept { return probe_; }
  [[nodiscard]] Restart restart() const noexcept { return restart_; }
  [[nodiscard]] Reload reload() const noexcept { return reload_; }
  [[nodiscard]] Time listen_timeout() const noexcept { return listen_timeout_; }
  [[nodiscard]] Time kill_timeout() const noexcept { return kill_timeout_; }
  [[nodiscard]] Time drain_delay() const noexcept { return drain_delay_; }
  [[nodiscard]] Time min_uptime() const noexcept { return min_uptime_; }
  [[nodiscard]] Time first_backoff() const noexcept { return backoff_.first; }
  [[nodiscard]] Time longest_backoff() const noexcept { return backoff_.second; }
  [[nodiscard]] unsigned max_restarts() const noexcept { return max_restarts_; }
  [[nodiscard]] std::optional<Time> hang_timeout() const noexcept { return hang_timeout_; }
  [[nodiscard]] std::optional<uint64_t> max_memory() const noexcept { return max_memory_; }
  [[nodiscard]] std::optional<int> stop_signal() const noexcept { return stop_signal_; }
  [[nodiscard]] bool adopt_orphans() const noexcept { return adopt_orphans_; }
  [[nodiscard]] const std::function<void(SpawnOptions&)>& before_start() const noexcept {
    return before_start_;
  }
  [[nodiscard]] const std::function<void(cluster::WorkerProcess&)>& after_start() const noexcept {
    return after_start_;
  }
  /// @}

 private:
  std::string module_;
  ForkOptions fork_;
  unsigned workers_ = 1;
  cluster::Policy policy_;
  std::vector<ListenSocket> listen_;
  std::vector<cluster::ListenRule> allow_listen_;
  bool capture_output_ = false;
  Ready ready_ = Ready::any;
  std::optional<ReadyProbe> probe_;
  Restart restart_ = Restart::always;
  Reload reload_ = Reload::automatic;
  Time listen_timeout_ = std::chrono::seconds(10);
  Time kill_timeout_ = std::chrono::seconds(8);
  Time drain_delay_{0};
  Time min_uptime_ = std::chrono::seconds(1);
  std::pair<Time, Time> backoff_ = {std::chrono::milliseconds(100), std::chrono::seconds(30)};
  unsigned max_restarts_ = 10;
  std::optional<Time> hang_timeout_;
  std::optional<uint64_t> max_memory_;
  std::optional<int> stop_signal_;
  bool adopt_orphans_ = true;
  std::function<void(SpawnOptions&)> before_start_;
  std::function<void(cluster::WorkerProcess&)> after_start_;
};

}  // namespace baton::supervisor
