#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/spawn/environment.h"
#include "baton/spawn/stdio.h"
#include "baton/spawn/window_size.h"

namespace baton {

/// How a child is started; but for the descriptors, what is not set is inherited from this process.
/// `SpawnOptions().cwd("/srv/app").add_env("PORT", "8080")`
///
/// Whatever is set here, a child always starts with default signal dispositions, an empty signal mask, and no
/// descriptor but those it was given.
class SpawnOptions {
 public:
  SpawnOptions() = default;

  /// The directory the child starts in; "" is this process's. A relative program name is looked up from here.
  SpawnOptions& cwd(std::string path) { return cwd_ = std::move(path), *this; }
  /// Replaces the whole environment. Without it the child gets this process's, as it is at the spawn.
  SpawnOptions& env(Environment environment) { return env_ = std::move(environment), *this; }
  /// Sets one variable on top of `env()` or of what is inherited; of two settings of a key the later one
  /// wins.
  SpawnOptions& add_env(std::string key, std::string value) {
    return env_changes_.emplace_back(std::move(key), std::move(value)), *this;
  }
  /// Takes one variable away, in order with `add_env()`.
  SpawnOptions& remove_env(std::string key) {
    return env_changes_.emplace_back(std::move(key), std::nullopt), *this;
  }
  /// Sets one variable to the child's own process id, over whatever else it was set to; as LISTEN_PID wants
  /// it.
  SpawnOptions& pid_variable(std::string key) { return pid_variable_ = std::move(key), *this; }
  /// What the child sees as argv[0]; by default the name it was spawned by.
  SpawnOptions& arg0(std::string name) { return arg0_ = std::move(name), *this; }
  /// The spawned "file" is a command line for this shell, which is given `-c -- COMMAND`; "" is no shell, the
  /// default. Arguments beside it are misuse (Node would join them, unquoted). The shell interprets every
  /// byte: never put into the command what a stranger wrote. Node's `shell`.
  SpawnOptions& shell(std::string path = "/bin/sh") { return shell_ = std::move(path), *this; }

  /// The user the child runs as (real, effective and saved id). The spawn fails if any id is not what was
  /// asked for afterwards, or if the child could become root again. Supplementary groups are dropped, as Node
  /// does, unless `groups()` names them.
  ///
  /// As in Node, setting the user alone leaves the group as it is. A root that means to give its rights away
  /// must set `gid()` too (from getpwuid(3)): else the child is still of group 0, and whatever that may read
  /// or write. A child that becomes another user or group costs a fork(2), which grows with this process's
  /// memory; and it has 10 s to come to its program, as its new user may stop it: then it is killed, and the
  /// spawn fails with Errc::timed_out.
  SpawnOptions& uid(uid_t id) { return uid_ = id, *this; }
  /// The group the child runs as (real, effective and saved id); supplementary groups as with `uid()`.
  SpawnOptions& gid(gid_t id) { return gid_ = id, *this; }
  /// The supplementary groups, all of them: setgroups(2).
  SpawnOptions& groups(std::vector<gid_t> ids) { return groups_ = std::move(ids), *this; }
  /// The file mode creation mask: umask(2).
  SpawnOptions& umask(mode_t mask) { return umask_ = mask, *this; }
  /// The child leads a session and process group of its own (setsid(2)): no signal of this process's terminal
  /// reaches it. Node's `detached`.
  SpawnOptions& detached(bool on = true) { return detached_ = on, *this; }
  /// The child and all that descends from it are one: it leads a session of its own (as by `detached`), the
  /// timeout, `kill_on`, `stop` and the destruction of the Child reach every process of it, and what is left
  /// of it when the child has ended is killed. See `Child::kill_tree` for who is found.
  SpawnOptions& whole_tree(bool on = true) { return whole_tree_ = on, *this; }
  /// No program that the child executes can gain privileges by set-user-id bits or file capabilities.
  SpawnOptions& no_new_privs(bool on = true) { return no_new_privs_ = on, *this; }

  /// @{
  /// A limit of the child's: `limit(RLIMIT_NOFILE, 1024)`, or its soft and its hard value. Set before the
  /// user is changed, so it may be higher than that user's. Mirrors setrlimit(2).
  SpawnOptions& limit(int resource, rlim_t soft, rlim_t hard);
  SpawnOptions& limit(int resource, rlim_t both) { return limit(resource, both, both); }
  /// @}
  /// The child's nice value, -20 (served first) to 19: setpriority(2).
  SpawnOptions& nice(int value) { return nice_ = value, *this; }
  /// The processors that the child may run on, by number: sched_setaffinity(2). A negative one is misuse.
  SpawnOptions& cpus(std::vector<int> numbers);
  /// The folder of the control group that the child is in before its program begins: "/sys/fs/cgroup/jobs".
  /// It must exist, and this process may move processes into it. The child is born there (Linux 5.7; a member
  /// of it that pids.max counts) or, on older kernels and in the first cgroups, moves in. Cost and time as
  /// with `uid()`: nobody's cgroup.freeze holds this process.
  SpawnOptions& cgroup(std::string folder) { return cgroup_ = std::move(folder), *this; }
  /// What the kernel sends the child when the thread that spawned it ends; if that has happened before the
  /// program begins, the program does not begin. A set-user-id program loses it. Mirrors PR_SET_PDEATHSIG.
  SpawnOptions& parent_death_signal(int signal);

  /// What the child gets as its descriptor `target`: standard input, output and error are 0 to 2, and any
  /// other number is an extra one. As in Node, 0 to 2 are `Stdio::pipe()` unless set. A negative number is
  /// misuse.
  SpawnOptions& stdio(int target, Stdio what);
  /// The same for standard input, output and error at once.
  SpawnOptions& stdio(const Stdio& all_three) {
    return stdio(0, all_three).stdio(1, all_three).stdio(2, all_three);
  }
  /// Gives the child a copy of `borrowed`, a descriptor that stays the caller's, as its descriptor `target`.
  SpawnOptions& pass(int borrowed, int target) { return stdio(target, Stdio::descriptor(borrowed)); }
  /// The same with a descriptor that is closed here together with these options and their copies.
  SpawnOptions& pass(Fd owned, int target) { return stdio(target, Stdio::descriptor(std::move(owned))); }
  /// The child gets a terminal of its own (a pseudo-terminal, pty(7)) of this size as standard input, output
  /// and error, unless set otherwise afterwards; it leads a session whose terminal that is, so that what is
  /// typed there as Ctrl-C is a SIGINT to it. Our end is `Child::terminal()`. Set TERM, if it is to be known.
  SpawnOptions& terminal(WindowSize size = WindowSize());

  /// How long the child may run before it is sent `kill_signal()`, once; nothing, the default, is for ever.
  SpawnOptions& timeout(std::optional<std::chrono::nanoseconds> time) { return timeout_ = time, *this; }
  /// What is sent when the time is up, SIGTERM by default. A number that is no signal is misuse.
  SpawnOptions& kill_signal(int signal);
  /// The child is sent `kill_signal()` when `token` is asked to stop (on the loop's thread), or at once if it
  /// has been already; `Child::cancelled` says so. Node's `signal`, an AbortSignal.
  SpawnOptions& kill_on(std::stop_token token) { return kill_on_ = std::move(token), *this; }
  /// What asks a child to stop, SIGTERM by default. A number that is no signal is misuse.
  SpawnOptions& stop_signal(int signal);
  /// How long a child that is being stopped has between that and SIGKILL; 5 s by default.
  SpawnOptions& grace(std::chrono::nanoseconds time) { return grace_ = time, *this; }
  /// How long after the child's end its streams may still be held open by a descendant before they are closed
  /// and on_close comes; nothing, the default and Node's way, is for ever.
  SpawnOptions& close_grace(std::optional<std::chrono::nanoseconds> time) {
    return close_grace_ = time, *this;
  }

  /// What was set.
  [[nodiscard]] const std::string& cwd() const noexcept { return cwd_; }
  /// What the child is given in the end: `env()`, or this process's environment as it is now, with the
  /// changes.
  [[nodiscard]] Environment environment() const;
  /// Empty: none.
  [[nodiscard]] const std::string& pid_variable() const noexcept { return pid_variable_; }
  /// @{
  /// What was set.
  [[nodiscard]] const std::optional<std::string>& arg0() const noexcept { return arg0_; }
  [[nodiscard]] const std::string& shell() const noexcept { return shell_; }
  [[nodiscard]] std::optional<uid_t> uid() const noexcept { return uid_; }
  [[nodiscard]] std::optional<gid_t> gid() const noexcept { return gid_; }
  [[nodiscard]] const std::optional<std::vector<gid_t>>& groups() const noexcept { return groups_; }
  [[nodiscard]] std::optional<mode_t> umask() const noexcept { return umask_; }
  [[nodiscard]] bool detached() const noexcept { return detached_; }
  [[nodiscard]] bool whole_tree() const noexcept { return whole_tree_; }
  [[nodiscard]] bool no_new_privs() const noexcept { return no_new_privs_; }
  [[nodiscard]] const std::map<int, rlimit>& limits() const noexcept { return limits_; }
  [[nodiscard]] std::optional<int> nice() const noexcept { return nice_; }
  [[nodiscard]] const std::vector<int>& cpus() const noexcept { return cpus_; }
  [[nodiscard]] const std::string& cgroup() const noexcept { return cgroup_; }
  [[nodiscard]] std::optional<int> parent_death_signal() const noexcept { return parent_death_signal_; }
  [[nodiscard]] const std::map<int, Stdio>& stdio() const noexcept { return stdio_; }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> timeout() const noexcept { return timeout_; }
  /// @}
  /// Nothing: no terminal.
  [[nodiscard]] const std::optional<WindowSize>& terminal() const noexcept { return terminal_; }
  /// @{
  /// What was set.
  [[nodiscard]] int kill_signal() const noexcept { return kill_signal_; }
  [[nodiscard]] const std::stop_token& kill_on() const noexcept { return kill_on_; }
  [[nodiscard]] int stop_signal() const noexcept { return stop_signal_; }
  [[nodiscard]] std::chrono::nanoseconds grace() const noexcept { return grace_; }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> close_grace() const noexcept { return close_grace_; }
  /// @}

 private:
  std::string cwd_;
  std::optional<Environment> env_;
  std::vector<std::pair<std::string, std::optional<std::string>>> env_changes_;
  std::string pid_variable_;
  std::optional<std::string> arg0_;
  std::string shell_;
  std::optional<uid_t> uid_;
  std::optional<gid_t> gid_;
  std::optional<std::vector<gid_t>> groups_;
  std::optional<mode_t> umask_;
  bool detached_ = false;
  bool whole_tree_ = false;
  bool no_new_privs_ = false;
  std::map<int, rlimit> limits_;
  std::optional<int> nice_;
  std::vector<int> cpus_;
  std::string cgroup_;
  std::optional<int> parent_death_signal_;
  std::map<int, Stdio> stdio_ = {{0, Stdio::pipe()}, {1, Stdio::pipe()}, {2, Stdio::pipe()}};
  std::optional<WindowSize> terminal_;
  std::optional<std::chrono::nanoseconds> timeout_;
  std::optional<std::chrono::nanoseconds> close_grace_;
  std::chrono::nanoseconds grace_ = std::chrono::seconds(5);
  std::stop_token kill_on_;
  int kill_signal_ = SIGTERM;
  int stop_signal_ = SIGTERM;
};

}  // namespace baton
