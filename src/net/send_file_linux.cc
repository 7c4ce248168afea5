#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include <cerrno>

#include "net/send_file.h"

namespace baton::net {
namespace {

// sendfile(2) has no MSG_NOSIGNAL. The signal goes to the thread that caused it, so that one can hold it back
// and take it out again.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    if (::sigismember(&before_, SIGPIPE) == 1) return;
    const int error = errno;
    const timespec now{};
    if (error == EPIPE) ::sigtimedwait(&pipe_, nullptr, &now);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

}  // namespace

ssize_t send_file(int to, int from, std::uint64_t& at, std::size_t count) {
  int on = 1;
  if (::ioctl(to, FIONBIO, &on) != 0) return -1;
  const WithoutSigpipe guard;
  auto offset = static_cast<off_t>(at);
  errno = 0;
  const ssize_t sent = ::sendfile(to, from, &offset, count);
  if (sent > 0) at = static_cast<std::uint64_t>(offset);
  return sent;
}

}  // namespace baton::net
