#include "spawn/child_side_linux.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

// The child may run in the memory of its suspended parent, so a sanitizer's hook would see a stack it does
// not know and would leave its notes in the parent. Hence: no instrumentation, and the kernel's calls instead
// of the C library's, which sanitizers intercept and which (set*id) would try to tell other threads.
#define BATON_CHILD_SIDE __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

namespace baton::spawner {
namespace {

static_assert(sizeof(long) == 8, "on 32-bit Linux these names of set*id stand for 16-bit calls");

// The kernel's form of an action: all zero is the default one with no flags.
constexpr unsigned long default_action[4] = {};
constexpr unsigned long no_signals = 0;
constexpr int last_signal = 64;

// Volatile: it is for somebody who looks while the child is in that step.
BATON_CHILD_SIDE void at(ChildJob* job, Step step, size_t subject = 0) {
  *static_cast<volatile uint64_t*>(&job->report->place) = static_cast<uint64_t>(step) << 32 | subject;
}

BATON_CHILD_SIDE void fail(ChildJob* job) {
  job->report->error = errno;
  for (;;) ::syscall(SYS_exit_group, 127);
}

BATON_CHILD_SIDE bool is_target(const ChildJob* job, int descriptor) {
  for (size_t i = 0; i < job->placement_count; ++i) {
    if (job->placements[i].target == descriptor) return true;
  }
  return false;
}

BATON_CHILD_SIDE void place_descriptors(ChildJob* job) {
  if (job->placement_count == 0) return;
  const long above_all = job->placements[job->placement_count - 1].target + 1L;
  for (size_t i = 0; i < job->placement_count; ++i) {
    Placement* one = &job->placements[i];
    if (one->source == one->target || !is_target(job, one->source)) continue;
    at(job, Step::lift, i);
    const long lifted = ::syscall(SYS_fcntl, one->source, F_DUPFD_CLOEXEC, above_all);
    if (lifted < 0) fail(job);
    one->source = static_cast<int>(lifted);
  }
  for (size_t i = job->placement_count; i-- > 0;) {
    const Placement* one = &job->placements[i];
    at(job, Step::place, i);
    const long result = one->source == one->target ? ::syscall(SYS_fcntl, one->source, F_SETFD, 0L)
                                                   : ::syscall(SYS_dup3, one->source, one->target, 0);
    if (result < 0) fail(job);
  }
}

// Marks rather than closes: the program itself may be named through a descriptor (/proc/self/fd/7).
BATON_CHILD_SIDE void close_range_on_exec(ChildJob* job, unsigned first, unsigned last) {
  if (::syscall(SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC) == 0) return;
  // Linux 5.10 has the call, but not yet this flag.
  if (errno == EINVAL && ::syscall(SYS_close_range, first, last, 0) == 0) return;
  // Old containers refuse a call that they do not know.
  if (errno != ENOSYS && errno != EPERM) fail(job);
  for (unsigned fd = first; fd <= last && fd < static_cast<unsigned>(job->descriptor_limit); ++fd) {
    ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  }
}

BATON_CHILD_SIDE void close_gap(ChildJob* job, unsigned first, unsigned last) {
  const unsigned kept = static_cast<unsigned>(job->lifeline);
  if (job->lifeline < 0 || kept < first || kept > last) return close_range_on_exec(job, first, last);
  if (kept > first) close_range_on_exec(job, first, kept - 1);
  if (kept < last) close_range_on_exec(job, kept + 1, last);
}

BATON_CHILD_SIDE void close_others(ChildJob* job) {
  at(job, Step::close_others);
  unsigned next = 0;
  for (size_t i = 0; i < job->placement_count; ++i) {
    const unsigned target = static_cast<unsigned>(job->placements[i].target);
    if (target > next) close_gap(job, next, target - 1);
    next = target + 1;
  }
  close_gap(job, next, UINT_MAX);
}

BATON_CHILD_SIDE void begin_session(ChildJob* job) {
  at(job, Step::session);
  if (job->new_session && ::syscall(SYS_setsid) < 0) fail(job);
  at(job, Step::terminal);
  if (job->terminal >= 0 && ::syscall(SYS_ioctl, job->terminal, TIOCSCTTY, 0L) < 0) fail(job);
}

BATON_CHILD_SIDE void enter_cgroup(ChildJob* job) {
  at(job, Step::cgroup);
  if (job->cgroup >= 0 && ::syscall(SYS_write, job->cgroup, "0", 1L) < 0) fail(job);
}

BATON_CHILD_SIDE void set_limits(ChildJob* job) {
  for (size_t i = 0; i < job->limit_count; ++i) {
    const ResourceLimit* one = &job->limits[i];
    at(job, Step::limit, i);
    if (::syscall(SYS_prlimit64, 0L, one->resource, one->values, nullptr) < 0) fail(job);
  }
  at(job, Step::nice);
  if (job->set_nice && ::syscall(SYS_setpriority, PRIO_PROCESS, 0L, job->nice) < 0) fail(job);
  at(job, Step::cpus);
  if (job->cpus != nullptr && ::syscall(SYS_sched_setaffinity, 0L, job->cpus_size, job->cpus) < 0) fail(job);
}

BATON_CHILD_SIDE void change_directory(ChildJob* job) {
  at(job, Step::directory);
  if (job->directory != nullptr && ::syscall(SYS_chdir, job->directory) < 0) fail(job);
}

BATON_CHILD_SIDE void set_groups(ChildJob* job) {
  if (job->groups == nullptr) return;
  at(job, Step::groups);
  if (::syscall(SYS_setgroups, job->group_count, job->groups) < 0) {
    if (errno == EPERM && job->groups_may_stay) return;
    fail(job);
  }
  at(job, Step::verify_groups);
  const long count = ::syscall(SYS_getgroups, 0L, nullptr);
  bool same = count == static_cast<long>(job->group_count);
  if (same && count > 0) same = ::syscall(SYS_getgroups, count, job->groups_found) == count;
  for (size_t i = 0; same && i < job->group_count; ++i) same = job->groups[i] == job->groups_found[i];
  if (same) return;
  errno = EPERM;
  fail(job);
}

BATON_CHILD_SIDE void change_identity(ChildJob* job) {
  set_groups(job);
  at(job, Step::gid);
  if (job->set_gid && ::syscall(SYS_setresgid, job->gid, job->gid, job->gid) < 0) fail(job);
  at(job, Step::uid);
  if (job->set_uid && ::syscall(SYS_setresuid, job->uid, job->uid, job->uid) < 0) fail(job);

  at(job, Step::verify_ids);
  if (job->set_gid) {
    gid_t real = 0, effective = 0, saved = 0;
    if (::syscall(SYS_getresgid, &real, &effective, &saved) < 0 || real != job->gid ||
        effective != job->gid || saved != job->gid) {
      errno = EPERM;
      fail(job);
    }
  }
  if (job->set_uid) {
    uid_t real = 0, effective = 0, saved = 0;
    if (::syscall(SYS_getresuid, &real, &effective, &saved) < 0 || real != job->uid ||
        effective != job->uid || saved != job->uid || (job->uid != 0 && ::syscall(SYS_setuid, 0) == 0)) {
      errno = EPERM;
      fail(job);
    }
  }
}

BATON_CHILD_SIDE void forbid_new_privileges(ChildJob* job) {
  at(job, Step::no_new_privs);
  if (job->no_new_privs && ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0) fail(job);
}

// The parent may have died before it was watched.
BATON_CHILD_SIDE void die_with_parent(ChildJob* job) {
  if (job->parent_death_signal == 0) return;
  at(job, Step::parent_death);
  if (::syscall(SYS_prctl, PR_SET_PDEATHSIG, job->parent_death_signal, 0L, 0L, 0L) < 0) fail(job);
  at(job, Step::parent_gone);
  if (::syscall(SYS_getppid) == job->parent) return;
  errno = ESRCH;
  fail(job);
}

BATON_CHILD_SIDE void write_pid(char* text) {
  const long pid = ::syscall(SYS_getpid);
  size_t digits = 0;
  for (long rest = pid; rest > 0; rest /= 10) ++digits;
  text[digits] = '\0';
  for (long rest = pid; digits > 0; rest /= 10) text[--digits] = static_cast<char>('0' + rest % 10);
}

BATON_CHILD_SIDE bool goes_on_after(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ENAMETOOLONG || error == ESTALE ||
         error == ENODEV || error == ETIMEDOUT;
}

// The rules of execvp(3): a file that may not be executed is remembered, and is the answer if no other is
// found.
BATON_CHILD_SIDE void execute(ChildJob* job) {
  size_t refused = 0;
  bool was_refused = false;
  size_t i = 0;
  for (; job->candidates[i] != nullptr; ++i) {
    at(job, Step::execute, i);
    ::syscall(SYS_execve, job->candidates[i], job->arguments, job->environment);
    if (errno == ENOEXEC) {
      job->shell_arguments[1] = job->candidates[i];
      at(job, Step::execute_shell, i);
      ::syscall(SYS_execve, job->shell_arguments[0], job->shell_arguments, job->environment);
      fail(job);
    }
    if (!goes_on_after(errno)) fail(job);
    if (errno == EACCES && !was_refused) {
      was_refused = true;
      refused = i;
    }
  }
  if (was_refused) errno = EACCES;
  at(job, Step::execute, was_refused ? refused : i - 1);
  fail(job);
}

}  // namespace

BATON_CHILD_SIDE int child_main(void* argument) {
  auto* job = static_cast<ChildJob*>(argument);
  // Before the mask is emptied: a handler of the parent must not run here.
  for (int number = 1; number <= last_signal; ++number) {
    ::syscall(SYS_rt_sigaction, number, default_action, nullptr, sizeof no_signals);
  }
  begin_session(job);
  enter_cgroup(job);
  if (job->set_umask) ::syscall(SYS_umask, job->umask);
  place_descriptors(job);
  close_others(job);
  set_limits(job);
  change_directory(job);
  change_identity(job);
  forbid_new_privileges(job);
  // A change of the user would clear it.
  die_with_parent(job);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals);
  if (job->pid_text != nullptr) write_pid(job->pid_text);
  execute(job);
  return 127;
}

}  // namespace baton::spawner
