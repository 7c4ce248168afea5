#pragma once

#include <sys/socket.h>

#include <chrono>

#include "baton/base/fd.h"

namespace baton::net {

/// Who has a listener. O_NONBLOCK belongs to the open socket and not to a descriptor, so that whoever shares
/// it can make it block, and may take the connection that we were woken for.
enum class Holders { this_process, others_too };

/// To be called once before connections are accepted from a listener that others have: a call that does wait
/// in spite of everything is over after 10 ms (unless they undo this too: then with the next connection).
void bound_waits(int listener);

/// A connection, non-blocking and close-on-exec; empty, with errno set as by accept4(2), if there is none.
/// With `others_too` it is asked first whether there is one, and the listener is made non-blocking right
/// before it is taken. `address` and `length` may be null, as for accept4(2).
Fd accept_connection(int listener, Holders holders, sockaddr* address = nullptr, socklen_t* length = nullptr);

/// What follows from an accept that failed. accept(2) names dozens of errors, and a security module adds its
/// own: nearly all are of one connection or of this moment, and only a few say that the listener is none.
class AcceptFailures {
 public:
  enum class Next {
    wait,   ///< nobody is there: until the kernel says so
    again,  ///< at once: it was one connection
    pause,  ///< after `pause_time`: what cannot be accepted now stays readable, and waiting for it would spin
    give_up,  ///< never: this is no listener, and was none for many tries
  };
  static constexpr auto pause_time = std::chrono::milliseconds(100);
  static constexpr unsigned most_tries = 50;

  /// After `error`, a value of errno.
  [[nodiscard]] Next after(int error) noexcept;
  /// A connection came: what failed before is forgotten.
  void accepted() noexcept { in_a_row_ = broken_in_a_row_ = 0; }

 private:
  unsigned in_a_row_ = 0;         // of one connection each
  unsigned broken_in_a_row_ = 0;  // that say that it is no listener
};

}  // namespace baton::net
