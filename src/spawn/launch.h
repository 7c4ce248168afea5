#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/spawn/environment.h"
#include "baton/spawn/options.h"

namespace baton::spawner {

/// The child gets `source`, a descriptor of this process, as its descriptor `target`.
struct Placement {
  int source;
  int target;
};

/// All that decides how a program is started. The descriptors are borrowed.
struct LaunchPlan {
  std::string file;
  std::vector<std::string> arguments;  ///< argv, with argv[0]
  Environment environment;
  std::string pid_variable;       ///< the child's process id is set as this one; "": none
  std::string working_directory;  ///< "" is this process's
  std::vector<Placement> descriptors;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::vector<gid_t>> groups;  ///< unset: dropped if uid or gid is set
  std::optional<mode_t> umask;
  int terminal = -1;  ///< becomes the session's; -1: none. Borrowed too
  std::string cgroup;
  std::map<int, rlimit> limits;
  std::optional<int> nice;
  std::vector<int> cpus;
  std::optional<int> parent_death_signal;
  bool new_session = false;
  bool no_new_privs = false;
  /// What a child that changes its user, its group or its cgroup may take to come to its program.
  std::chrono::milliseconds patience{10'000};
};

/// "spawn ./worker": what errors of this plan are about. A name with a NUL byte, which is refused, is shown
/// as far as the kernel would read it.
[[nodiscard]] std::string operation_of(const LaunchPlan& plan);

/// What the options ask for, with no descriptors and no terminal yet; `arguments` are those after argv[0].
/// Throws std::invalid_argument for arguments beside a shell.
[[nodiscard]] LaunchPlan make_plan(std::string file, std::vector<std::string> arguments,
                                   const SpawnOptions& options);

/// A running child. Whoever owns it collects its status through the pidfd.
struct Launched {
  pid_t pid = 0;
  Fd pidfd;
};

/// Starts a program and returns once it is executing.
///
/// `file` is searched as execvp(3) does, in the PATH of the child's environment. The child has exactly the
/// descriptors that were placed, default signal dispositions and no blocked signal. The `Error` names the
/// step that failed: "spawn ./worker: chdir /srv/app: no such file or directory"; then no child is left, not
/// even a zombie.
///
/// This thread sleeps until the program is loaded. The child shares our memory so long, and the cost does not
/// grow with that; unless it becomes another user or group or enters a cgroup: then it gets a copy, as by
/// fork(2), and is killed with Errc::timed_out when the plan's patience is over.
[[nodiscard]] Result<Launched> launch(const LaunchPlan& plan);

}  // namespace baton::spawner
