#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "net/pipe_io.h"

namespace baton::net {
namespace {

// Pipes know RWF_NOWAIT since Linux 6.4, terminals do not; and a sandbox may know nothing of the call.
bool is_unknown(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EPERM;
}

void make_nonblocking(int descriptor) {
  int on = 1;
  ::ioctl(descriptor, FIONBIO, &on);
}

}  // namespace

ssize_t read_without_waiting(int pipe, void* to, std::size_t size) {
  const iovec piece{.iov_base = to, .iov_len = size};
  const ssize_t got = ::preadv2(pipe, &piece, 1, -1, RWF_NOWAIT);
  if (got >= 0 || !is_unknown(errno)) return got;
  pollfd waiting{.fd = pipe, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) == 0) return errno = EAGAIN, -1;
  make_nonblocking(pipe);
  return ::read(pipe, to, size);
}

ssize_t write_without_waiting(int pipe, const iovec* pieces, int count) {
  const ssize_t sent = ::pwritev2(pipe, pieces, count, -1, RWF_NOWAIT);
  if (sent >= 0 || !is_unknown(errno)) return sent;
  make_nonblocking(pipe);
  return ::writev(pipe, pieces, count);
}

}  // namespace baton::net
