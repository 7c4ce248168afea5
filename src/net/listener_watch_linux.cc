#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "net/listener_watch.h"
#include "net/shut_flags.h"

namespace baton::net {
namespace {

constexpr int most_attempts = 4;

int socket_option(int descriptor, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : 0;
}

}  // namespace

Revival revive_listener(int descriptor, int backlog) noexcept {
  if (socket_option(descriptor, SO_TYPE) != SOCK_STREAM) return Revival::lost;
  bool was_shut = socket_option(descriptor, SO_ACCEPTCONN) == 0;
  if (!was_shut) {
    // A Unix-domain socket says that it listens even when it refuses everybody.
    pollfd look{descriptor, POLLRDHUP, 0};
    if (::poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP)) != 0) return Revival::lost;
  }
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (!was_shut && !gives_dead_connections(descriptor))
      return attempt == 0 ? Revival::listening : Revival::again;
    // Shut down a second time before it listened again, it gives connections that are shut down too; only
    // this takes that back, unless it is shut down once more right now.
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    (void)::connect(descriptor, &nowhere, sizeof nowhere);
    if (::listen(descriptor, backlog) != 0) return Revival::lost;
    was_shut = false;
  }
  // Somebody is at it still. Better refused, and looked at once more, than accepted for nothing.
  if (gives_dead_connections(descriptor)) ::shutdown(descriptor, SHUT_RD);
  return Revival::again;
}

ListenerWatch::Watched& ListenerWatch::Watched::operator=(Watched&& other) noexcept {
  if (this == &other) return *this;
  stop();
  epoll_ = std::move(other.epoll_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

void ListenerWatch::Watched::stop() noexcept {
  if (descriptor_ >= 0) ::epoll_ctl(epoll_->get(), EPOLL_CTL_DEL, std::exchange(descriptor_, -1), nullptr);
  epoll_.reset();
}

Result<ListenerWatch::Watched> ListenerWatch::watch(int descriptor) {
  const std::string operation = "watch a listener";
  if (!epoll_) {
    Fd made(::epoll_create1(EPOLL_CLOEXEC));
    if (!made) return failure(errno, operation, "epoll_create1");
    epoll_ = std::make_shared<const Fd>(std::move(made));
    try {
      poll_ = Poll(loop_, epoll_->get(), [this](int) { look(); });
      poll_.want(Poll::readable);
      poll_.unref();
    } catch (const Error& error) {
      return std::unexpected(error);
    }
  }
  epoll_event wanted{};
  // The errors of a UDP socket, which anybody who shares it may have kept, are told too, and are no end.
  const bool stream = socket_option(descriptor, SO_TYPE) == SOCK_STREAM;
  wanted.events = EPOLLRDHUP | (stream ? 0U : static_cast<uint32_t>(EPOLLET));
  wanted.data.fd = descriptor;
  if (::epoll_ctl(epoll_->get(), EPOLL_CTL_ADD, descriptor, &wanted) != 0) {
    return failure(errno, operation, "epoll_ctl");
  }
  return Watched(epoll_, descriptor);
}

void ListenerWatch::look() {
  // One at a time: the callback may end us, and what is still to be told is told in the next turn.
  epoll_event event{};
  if (::epoll_wait(epoll_->get(), &event, 1, 0) != 1) return;
  if ((event.events & (EPOLLRDHUP | EPOLLHUP)) != 0 || socket_option(event.data.fd, SO_TYPE) == SOCK_STREAM)
    shut_(event.data.fd);
}

}  // namespace baton::net
