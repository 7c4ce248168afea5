#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

namespace baton::test {

/// A busy machine, for one process: each of its calls of one number takes so much longer. It is traced for
/// that, as by a debugger.
class SlowCalls {
 public:
  SlowCalls(pid_t process, long call, std::chrono::milliseconds delay)
      : tracer_([this, process, call, delay] { trace(process, call, delay); }) {}
  SlowCalls(const SlowCalls&) = delete;
  SlowCalls& operator=(const SlowCalls&) = delete;
  /// It goes on undisturbed from its next call on; waits for that.
  ~SlowCalls() {
    over_ = true;
    tracer_.join();
  }

  /// Whether nobody may trace it here.
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  /// How many calls have been slow.
  [[nodiscard]] int count() const noexcept { return count_; }

 private:
  // The thread that traces: when it ends, the kernel lets its tracees go on.
  void trace(pid_t process, long call, std::chrono::milliseconds delay) {
    constexpr long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
      const pid_t thread = std::stoi(task.path().filename().string());
      refused_ = ::ptrace(PTRACE_SEIZE, thread, nullptr, options) != 0 ||
                 ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0;
      if (refused_) return;
    }
    while (!over_) {
      int status = 0;
      // The children of other threads are not ours to collect.
      const pid_t thread = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
      if (thread < 0 && errno != EINTR) return;
      if (thread < 0 || !WIFSTOPPED(status)) continue;
      int signal = WSTOPSIG(status);
      if (signal == (SIGTRAP | 0x80)) {
        __ptrace_syscall_info info{};
        ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && static_cast<long>(info.entry.nr) == call) {
          std::this_thread::sleep_for(delay);
          ++count_;
        }
      }
      if (status >> 16 != 0 || signal == (SIGTRAP | 0x80)) signal = 0;
      ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
    }
  }

  std::atomic<bool> over_ = false;
  std::atomic<bool> refused_ = false;
  std::atomic<int> count_ = 0;
  std::thread tracer_;
};

}  // namespace baton::test
