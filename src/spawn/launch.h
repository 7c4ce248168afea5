#pragma once

#include <sys/types.h>

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
  bool new_session = false;
  bool no_new_privs = false;
};

/// What the options ask for, with no descriptors yet; `arguments` are those after argv[0].
[[nodiscard]] LaunchPlan make_plan(std::string file, std::vector<std::string> arguments,
                                   const SpawnOptions& options);

/// A running child. Whoever owns it collects its status through the pidfd.
struct Launched {
  pid_t pid = 0;
  Fd pidfd;
};

/// Starts a program and returns once it is executing; the cost does not grow with this process's memory.
///
/// `file` is searched as execvp(3) does, in the PATH of the child's environment. The child has exactly the
/// descriptors that were placed, default signal dispositions and no blocked signal. The `Error` names the
/// step that failed: "spawn ./worker: chdir /srv/app: no such file or directory"; then no child is left, not
/// even a zombie. This thread sleeps until the program is loaded, and the child shares its memory so long.
[[nodiscard]] Result<Launched> launch(const LaunchPlan& plan);

}  // namespace baton::spawner
