#include "net/accept.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include <cerrno>

namespace baton::net {
namespace {

// Of one connection each, before it is taken for more than that.
constexpr unsigned most_at_once = 4;

constexpr timeval longest_wait{.tv_sec = 0, .tv_usec = 10'000};

void limit_receiving(int socket, const timeval& time) {
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

}  // namespace

void bound_waits(int listener) { limit_receiving(listener, longest_wait); }

Fd accept_connection(int listener, Holders holders, sockaddr* address, socklen_t* length) {
  const bool shared = holders == Holders::others_too;
  if (shared) {
    pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 0) == 0) return errno = EAGAIN, Fd();
    int on = 1;
    ::ioctl(listener, FIONBIO, &on);
  }
  Fd connection(::accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  // A TCP connection inherits the limit, and whoever gets it may want to wait.
  if (shared && connection) limit_receiving(connection.get(), timeval{});
  return connection;
}

AcceptFailures::Next AcceptFailures::after(int error) noexcept {
  switch (error) {
    case EAGAIN:
      accepted();
      return Next::wait;
    case EINTR:
    case ECONNABORTED:
      return Next::again;
    case EBADF:
    case ENOTSOCK:
    case EINVAL:
      return ++broken_in_a_row_ < most_tries ? Next::pause : Next::give_up;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Next::pause;
    default:
      broken_in_a_row_ = 0;
      return ++in_a_row_ < most_at_once ? Next::again : Next::pause;
  }
}

}  // namespace baton::net
