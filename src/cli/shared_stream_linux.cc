#include <fcntl.h>
#include <sys/epoll.h>

#include <string>

#include "cli/shared_stream.h"

namespace baton::cli {

Fd open_anew(int descriptor) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

Fd writability_of(int descriptor) {
  Fd watcher(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLOUT;
  if (!watcher || ::epoll_ctl(watcher.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) return Fd();
  return watcher;
}

}  // namespace baton::cli
