#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/spawn/environment.h"
#include "baton/spawn/stdio.h"

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

  /// The user the child runs as (real, effective and saved id). The spawn fails if any id is not what was
  /// asked for afterwards, or if the child could become root again. Supplementary groups are dropped, as Node
  /// does, unless `groups()` names them. Setting the user alone leaves the group as it is: set `gid()` too.
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
  /// No program that the child executes can gain privileges by set-user-id bits or file capabilities.
  SpawnOptions& no_new_privs(bool on = true) { return no_new_privs_ = on, *this; }

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

  /// How long the child may run before it is sent `kill_signal()`, once; nothing, the default, is for ever.
  SpawnOptions& timeout(std::optional<std::chrono::nanoseconds> time) { return timeout_ = time, *this; }
  /// What is sent when the time is up, SIGTERM by default. A number that is no signal is misuse.
  SpawnOptions& kill_signal(int signal);
  /// How long a child that is being stopped has between SIGTERM and SIGKILL; 5 s by default.
  SpawnOptions& grace(std::chrono::nanoseconds time) { return grace_ = time, *this; }

  [[nodiscard]] const std::string& cwd() const noexcept { return cwd_; }
  /// What the child is given in the end: `env()`, or this process's environment as it is now, with the
  /// changes.
  [[nodiscard]] Environment environment() const;
  /// Empty: none.
  [[nodiscard]] const std::string& pid_variable() const noexcept { return pid_variable_; }
  [[nodiscard]] const std::optional<std::string>& arg0() const noexcept { return arg0_; }
  [[nodiscard]] std::optional<uid_t> uid() const noexcept { return uid_; }
  [[nodiscard]] std::optional<gid_t> gid() const noexcept { return gid_; }
  [[nodiscard]] const std::optional<std::vector<gid_t>>& groups() const noexcept { return groups_; }
  [[nodiscard]] std::optional<mode_t> umask() const noexcept { return umask_; }
  [[nodiscard]] bool detached() const noexcept { return detached_; }
  [[nodiscard]] bool no_new_privs() const noexcept { return no_new_privs_; }
  [[nodiscard]] const std::map<int, Stdio>& stdio() const noexcept { return stdio_; }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> timeout() const noexcept { return timeout_; }
  [[nodiscard]] int kill_signal() const noexcept { return kill_signal_; }
  [[nodiscard]] std::chrono::nanoseconds grace() const noexcept { return grace_; }

 private:
  std::string cwd_;
  std::optional<Environment> env_;
  std::vector<std::pair<std::string, std::optional<std::string>>> env_changes_;
  std::string pid_variable_;
  std::optional<std::string> arg0_;
  std::optional<uid_t> uid_;
  std::optional<gid_t> gid_;
  std::optional<std::vector<gid_t>> groups_;
  std::optional<mode_t> umask_;
  bool detached_ = false;
  bool no_new_privs_ = false;
  std::map<int, Stdio> stdio_ = {{0, Stdio::pipe()}, {1, Stdio::pipe()}, {2, Stdio::pipe()}};
  std::optional<std::chrono::nanoseconds> timeout_;
  int kill_signal_ = SIGTERM;
  std::chrono::nanoseconds grace_ = std::chrono::seconds(5);
};

}  // namespace baton
