#include "spawn/clone_into_cgroup_linux.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace baton::spawner {

Result<Launched> clone_into_cgroup(ChildJob& job, int folder, const std::string& operation) {
  int pidfd = -1;
  clone_args how{};
  how.flags = CLONE_PIDFD | CLONE_INTO_CGROUP;
  how.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  how.exit_signal = SIGCHLD;
  how.cgroup = static_cast<uint64_t>(folder);
  // It is in already; and this process's own job stays as it is, to be tried the other way.
  const int enters_later = std::exchange(job.cgroup, -1);
  const long pid = ::syscall(SYS_clone3, &how, sizeof how);
  if (pid == 0) child_main(&job);
  job.cgroup = enters_later;
  if (pid < 0) return failure(errno, operation, "clone3 into the cgroup");
  return Launched{static_cast<pid_t>(pid), Fd(pidfd)};
}

bool cgroup_can_be_entered_later(const Error& error) {
  const auto is = [&](int code) { return error.code() == std::error_code(code, std::generic_category()); };
  return is(ENOSYS) || is(EPERM) || is(EINVAL) || is(E2BIG) || is(EBADF);
}

}  // namespace baton::spawner
