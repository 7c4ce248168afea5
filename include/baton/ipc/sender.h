#pragma once

#include <sys/types.h>

namespace baton {

/// Who has written on a channel, as the kernel says: a process, and its real user at that moment. 0: it is
/// not known which process.
struct Sender {
  /// Its number.
  pid_t process = 0;
  /// The user that it was.
  uid_t user = 0;
  /// The same process as the same user.
  bool operator==(const Sender&) const = default;
};

}  // namespace baton
