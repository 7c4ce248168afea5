#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "cli/stray_signals.h"

namespace baton::cli {
namespace {

// Faults, and those whose default does not end a process.
constexpr int left_alone[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS,  SIGFPE, SIGSEGV,
                              SIGSYS, SIGCHLD, SIGCONT, SIGTSTP, SIGURG, SIGWINCH};

// As the kernel's own call has it, which also reaches the two that the C library keeps to itself until it
// needs them.
struct Action {
  void (*handler)(int) = SIG_DFL;
  unsigned long flags = 0;
  void (*restorer)() = nullptr;
  unsigned long mask = 0;
};

}  // namespace

void ignore_stray_signals(std::span<const int> meant) {
  Action ignore;
  ignore.handler = SIG_IGN;
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (std::ranges::count(left_alone, number) > 0 || std::ranges::count(meant, number) > 0) continue;
    Action before;
    if (::syscall(SYS_rt_sigaction, number, nullptr, &before, sizeof before.mask) != 0) continue;
    if (before.handler == SIG_DFL) ::syscall(SYS_rt_sigaction, number, &ignore, nullptr, sizeof ignore.mask);
  }
}

}  // namespace baton::cli
