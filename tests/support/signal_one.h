#pragma once

#include <signal.h>
#include <sys/types.h>

#include <stdexcept>
#include <string>

namespace baton::test {

/// kill(2) for one process: the numbers that mean many (0, this test's own group; -1, everybody), and 1, are
/// what a reader of numbers gives when it found none. Returns whether there is such a process.
inline bool signal_one(pid_t process, int signal) {
  if (process <= 1) throw std::logic_error("a signal to process " + std::to_string(process));
  return ::kill(process, signal) == 0;
}

}  // namespace baton::test
