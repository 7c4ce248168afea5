#pragma once

// Calls of the kernel that fail as they do once in a year: failing_calls.cc defines the C library's functions
// for the program that it is a part of.

#include <cerrno>
#include <deque>

namespace baton::test {

/// What the next calls fail with, the first one first; 0: that one is made.
struct FailingCalls {
  std::deque<int> accept4, recvmsg, recvmmsg, send, connect;

  void clear() { *this = FailingCalls(); }
  static bool next(std::deque<int>& errors) {
    if (errors.empty()) return false;
    const int error = errors.front();
    errors.pop_front();
    if (error != 0) errno = error;
    return error != 0;
  }
};
inline FailingCalls failing_calls;

}  // namespace baton::test
