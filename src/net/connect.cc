#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <utility>

#include "baton/net/bound_socket.h"
#include "baton/net/socket.h"
#include "loop/poll.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

struct Connecting {
  Connecting(Loop& loop, Endpoint endpoint)
      : to(std::move(endpoint)), promise(loop, "connect to " + to.to_string()) {}
  Endpoint to;
  Promise<Socket> promise;
  Fd descriptor;
  Poll poll;

  void done(Loop& loop) {
    int status = 0;
    socklen_t length = sizeof status;
    if (::getsockopt(descriptor.get(), SOL_SOCKET, SO_ERROR, &status, &length) != 0) status = errno;
    settle(loop, status);
  }
  void settle(Loop& loop, int status) {
    poll.close();
    if (status != 0) {
      promise.resolve(failure(status, "connect to " + to.to_string()));
    } else {
      promise.resolve(Socket::adopt(loop, std::move(descriptor)));
    }
    loop.let_go(this);
  }
};

Op<Socket> begin_connect(Loop& loop, Fd from, const Endpoint& endpoint) {
  auto attempt = std::make_shared<Connecting>(loop, endpoint);
  auto op = attempt->promise.op();
  const SocketAddress address(endpoint);
  attempt->descriptor = std::move(from);
  loop.keep(attempt);
  attempt->promise.on_given_up([&loop, raw = attempt.get()](bool) { loop.let_go(raw); });
  const int status = ::connect(attempt->descriptor.get(), address.get(), address.length());
  // After EINTR it goes on in the background, too.
  if (status == 0 || (errno != EINPROGRESS && errno != EINTR)) {
    attempt->settle(loop, status == 0 ? 0 : errno);
    return op;
  }
  attempt->poll =
      Poll(loop, attempt->descriptor.get(), [&loop, raw = attempt.get()](int) { raw->done(loop); });
  try {
    attempt->poll.want(Poll::writable);
  } catch (const Error& error) {
    attempt->settle(loop, error.code().value());
  }
  return op;
}

}  // namespace

Op<Socket> connect(Loop& loop, const Endpoint& endpoint) {
  Fd descriptor(::socket(SocketAddress(endpoint).domain(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (descriptor) return begin_connect(loop, std::move(descriptor), endpoint);
  const Error error(errno, "connect to " + endpoint.to_string(), "socket");
  Promise<Socket> promise(loop, error.operation());
  promise.resolve(std::unexpected(error));
  return promise.op();
}

Op<Socket> connect(Loop& loop, BoundSocket from, const Endpoint& endpoint) {
  if (!from) throw std::logic_error("connect: there is no bound socket");
  return begin_connect(loop, from.release(), endpoint);
}

}  // namespace baton::net
