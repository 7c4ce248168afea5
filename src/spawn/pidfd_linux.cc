#include "spawn/pidfd_linux.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace baton::spawner {
namespace {

std::chrono::microseconds to_microseconds(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::optional<ExitStatus> wait_for(int pidfd, int options) {
  siginfo_t info{};
  rusage used{};
  long result = 0;
  // The C library's waitid() has no room for the resource usage; the kernel's has.
  do {
    result = ::syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | options, &used);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return ExitStatus();
  if (info.si_pid == 0) return std::nullopt;
  const ResourceUsage usage(to_microseconds(used.ru_utime), to_microseconds(used.ru_stime),
                            static_cast<uint64_t>(used.ru_maxrss) * 1024);
  if (info.si_code == CLD_EXITED) return ExitStatus::exited(info.si_status, usage);
  return ExitStatus::killed(info.si_status, info.si_code == CLD_DUMPED, usage);
}

}  // namespace

Result<bool> send_signal(int pidfd, int signum) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signum, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  const int error = errno;
  return failure(error, "kill", signal_name(signum));
}

std::optional<ExitStatus> try_wait(int pidfd) { return wait_for(pidfd, WNOHANG); }

bool has_ended(int pidfd) {
  siginfo_t info{};
  const long result = ::syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOHANG | WNOWAIT, nullptr);
  return result == 0 && info.si_pid != 0;
}

ExitStatus wait(int pidfd) { return wait_for(pidfd, 0).value_or(ExitStatus()); }

}  // namespace baton::spawner
