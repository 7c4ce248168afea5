#include "spawn/begin_linux.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <new>
#include <utility>

#include "spawn/abandoned.h"
#include "spawn/clone_into_cgroup_linux.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"

namespace baton::spawner {
namespace {

using std::chrono::milliseconds;

// What a child that was killed may need for its end.
constexpr milliseconds last_wait(1000);

/// A stack with an unreachable page below it.
class ChildStack {
 public:
  ChildStack() {
    void* memory = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    memory_ = static_cast<char*>(memory);
    const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    if (::mprotect(memory_ + page, size - page, PROT_READ | PROT_WRITE) != 0) release();
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ~ChildStack() { release(); }

  /// Null, with errno set, if there is no memory.
  [[nodiscard]] char* top() const { return memory_ == nullptr ? nullptr : memory_ + size; }

 private:
  // Enough for any page size, and the child's functions keep nothing large.
  static constexpr size_t size = size_t{256} * 1024;

  void release() {
    const int saved = errno;
    if (memory_ != nullptr) ::munmap(memory_, size);
    memory_ = nullptr;
    errno = saved;
  }

  char* memory_ = nullptr;
};

/// A report that a child with a memory of its own shares with us.
class SharedReport {
 public:
  SharedReport() {
    void* memory = ::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) report_ = new (memory) Report;
  }
  SharedReport(const SharedReport&) = delete;
  SharedReport& operator=(const SharedReport&) = delete;
  ~SharedReport() {
    if (report_ != nullptr) ::munmap(report_, sizeof(Report));
  }
  /// Null, with errno set, if there is no memory.
  [[nodiscard]] Report* get() const { return report_; }

 private:
  Report* report_ = nullptr;
};

/// Blocks every signal of this thread, also those that the C library keeps to itself: none of our handlers
/// may run in the child.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof all); }

 private:
  static constexpr unsigned long all = ~0UL;
  unsigned long before_ = 0;
};

// A child's own descriptor of that number would end the pipe before its time.
bool keep_clear_of_targets(Fd& end, const ChildJob& job) {
  const auto is_target = [&](int number) {
    return std::any_of(job.placements, job.placements + job.placement_count,
                       [&](const Placement& one) { return one.target == number; });
  };
  while (is_target(end.get())) {
    const int higher = ::fcntl(end.get(), F_DUPFD_CLOEXEC, end.get() + 1);
    if (higher < 0) return false;
    end.reset(higher);
  }
  return true;
}

/// Whether anything happens to one of the descriptors in that time.
bool something_happens(std::initializer_list<int> descriptors, milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  pollfd watched[2] = {};
  nfds_t count = 0;
  for (const int one : descriptors) watched[count++] = {one, POLLIN, 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(watched, count, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready > 0) return true;
    if (ready == 0 || left <= milliseconds(0)) return false;
  }
}

/// A new process in which `child_main` runs: in a copy of our memory, or with CLONE_VM in our own.
Result<Launched> clone_child(ChildJob& job, int flags, const std::string& operation) {
  const ChildStack stack;
  if (stack.top() == nullptr) return failure(errno, operation, "mmap of the child's stack");
  int pidfd = -1;
  const int pid = ::clone(child_main, stack.top(), flags | CLONE_PIDFD | SIGCHLD, &job, &pidfd);
  if (pid < 0) return failure(errno, operation, "clone");
  return Launched{pid, Fd(pidfd)};
}

Result<Launched> clone_apart(ChildJob& job, int cgroup, const std::string& operation) {
  const AllSignalsBlocked blocked;
  if (cgroup >= 0) {
    auto born = clone_into_cgroup(job, cgroup, operation);
    if (born || !cgroup_can_be_entered_later(born.error())) return born;
  }
  return clone_child(job, 0, operation);
}

}  // namespace

Result<Begun> begin_in_our_memory(ChildJob& job, const std::string& operation) {
  Begun begun;
  job.report = &begun.report;
  job.lifeline = -1;
  const AllSignalsBlocked blocked;
  auto child = clone_child(job, CLONE_VM | CLONE_VFORK, operation);
  if (!child) return std::unexpected(std::move(child).error());
  begun.child = std::move(*child);
  return begun;
}

Result<Begun> begin_apart(ChildJob& job, int cgroup, milliseconds patience, const std::string& operation) {
  const SharedReport report;
  if (report.get() == nullptr) return failure(errno, operation, "mmap of the child's report");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure(errno, operation, "pipe2");
  const Fd ours(ends[0]);
  Fd childs(ends[1]);
  if (!keep_clear_of_targets(childs, job)) return failure(errno, operation, "fcntl F_DUPFD_CLOEXEC");
  job.report = report.get();
  job.lifeline = childs.get();
  auto child = clone_apart(job, cgroup, operation);
  if (!child) return std::unexpected(std::move(child).error());
  childs.reset();
  // The pipe ends with the execve as with the child's end. Of the latter we hear, too, while a process that
  // another thread has forked just now holds the pipe.
  const bool in_time = something_happens({ours.get(), child->pidfd.get()}, patience);
  return Begun{std::move(*child), *report.get(), in_time};
}

void collect(Launched child) {
  if (something_happens({child.pidfd.get()}, last_wait)) {
    wait(child.pidfd.get());
    return;
  }
  remember_child(child.pid);
  abandon(child.pid, std::move(child.pidfd));
}

}  // namespace baton::spawner
