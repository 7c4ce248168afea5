#pragma once

#include <sys/socket.h>

namespace baton::http {

// The close that follows is none in order: the peer's next read fails, and it does not take what it has got
// for all that there was to say. What is still in the kernel is lost.
inline void break_off(int descriptor) {
  const linger at_once{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace baton::http
