#include "support/failing_calls.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
int accept4(int socket, sockaddr* address, socklen_t* length, int flags) {
  using baton::test::FailingCalls;
  if (FailingCalls::next(baton::test::failing_calls.accept4)) return -1;
  return static_cast<int>(::syscall(SYS_accept4, socket, address, length, flags));
}
ssize_t recvmsg(int socket, msghdr* message, int flags) {
  using baton::test::FailingCalls;
  if (FailingCalls::next(baton::test::failing_calls.recvmsg)) return -1;
  return ::syscall(SYS_recvmsg, socket, message, flags);
}
int recvmmsg(int socket, mmsghdr* messages, unsigned count, int flags, timespec* time) {
  using baton::test::FailingCalls;
  if (FailingCalls::next(baton::test::failing_calls.recvmmsg)) return -1;
  return static_cast<int>(::syscall(SYS_recvmmsg, socket, messages, count, flags, time));
}
ssize_t send(int socket, const void* bytes, size_t count, int flags) {
  using baton::test::FailingCalls;
  if (FailingCalls::next(baton::test::failing_calls.send)) return -1;
  return ::syscall(SYS_sendto, socket, bytes, count, flags, nullptr, 0);
}
int connect(int socket, const sockaddr* address, socklen_t length) {
  using baton::test::FailingCalls;
  if (FailingCalls::next(baton::test::failing_calls.connect)) {
    const int error = errno;
    // Interrupted, it is made all the same.
    if (error == EINTR) ::syscall(SYS_connect, socket, address, length);
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_connect, socket, address, length));
}
}
