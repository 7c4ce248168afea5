#include "baton/net/server.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "baton/net/bound_socket.h"
#include "loop/poll.h"
#include "loop/slot.h"
#include "net/bound_stream.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

constexpr int accepts_alone = 64;
constexpr int accepts_at_the_end = 4096;
constexpr auto pause_when_short = std::chrono::milliseconds(100);
constexpr auto report_interval = std::chrono::seconds(1);

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}
// Errors of the connection and not of the listener (accept(2)): the next one may be fine.
bool is_passing(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM || error == ENETDOWN ||
         error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN || error == ENONET ||
         error == ENOPROTOOPT || error == EOPNOTSUPP;
}

std::string key_of(const Endpoint& asked) {
  if (asked.family() == -1) return "-1:" + asked.path() + ":-1";
  return std::to_string(asked.family()) + ":" + asked.address() + ":" + std::to_string(asked.port());
}

}  // namespace

struct Server::State : std::enable_shared_from_this<State> {
  State(Loop& owner, Fd fd, std::string listen_key, int accepts)
      : loop(owner), descriptor(std::move(fd)), key(std::move(listen_key)), accepts_a_wakeup(accepts) {}

  Loop& loop;
  Fd descriptor;
  Poll poll;
  std::string key;
  Slot<Socket> on_connection;
  Slot<const Error&> on_error;
  Timer pause_timer;
  std::chrono::milliseconds last_report{-report_interval};
  int accepts_a_wakeup;
  const DescriptorKind accepted_kind = descriptor_kind(descriptor.get()) == DescriptorKind::unix_listener
                                           ? DescriptorKind::unix_stream
                                           : DescriptorKind::tcp;
  bool paused = false;

  void update() {
    // While it is called, the callback is not in its place.
    if (!descriptor || (!on_connection && !poll)) return;
    if (!poll) {
      poll = Poll(loop, descriptor.get(), [this](int) {
        const auto self = shared_from_this();
        accept(accepts_a_wakeup);
      });
    }
    poll.want(paused || pause_timer.active() ? Poll::nothing : Poll::readable);
  }

  void accept(int at_most) {
    for (int i = 0; i < at_most && descriptor && !paused; ++i) {
      Fd fd(::accept4(descriptor.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        if (is_passing(errno)) continue;
        fail(errno);
        return;
      }
      auto socket = Socket::adopt(loop, std::move(fd), accepted_kind);
      if (!socket) {
        report(socket.error());
        continue;
      }
      socket->set_server_key(key);
      on_connection.fire(std::move(*socket));
    }
  }

  void fail(int error) {
    const bool shortage = is_shortage(error);
    report(Error(error, "accept on " + local_endpoint(descriptor.get()).to_string(), "accept4"));
    if (!descriptor) return;
    // Level-triggered waiting on what cannot be accepted now would spin.
    if (shortage) {
      pause_timer = Timer(loop, pause_when_short, [this] {
        pause_timer.stop();
        update();
      });
    } else {
      paused = true;
    }
    update();
  }

  void report(const Error& error) {
    if (loop.now() - last_report < report_interval) return;
    last_report = loop.now();
    if (on_error) {
      on_error.fire(error);
    } else {
      std::fprintf(stderr, "baton: %s\n", error.what());
    }
  }

  void close() {
    on_connection.clear();
    on_error.clear();
    pause_timer.stop();
    poll.close();
    descriptor.reset();
  }
};

Server::Server() noexcept = default;
Server::Server(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}
Server::~Server() { close(); }

Result<Server> Server::adopt(Loop& loop, Fd descriptor) {
  const DescriptorKind kind = descriptor_kind(descriptor.get());
  if (kind == DescriptorKind::closed) return failure(EBADF, "adopt a listener");
  if (kind == DescriptorKind::tcp || kind == DescriptorKind::unix_stream) {
    if (::listen(descriptor.get(), ListenOptions().backlog()) != 0) {
      return failure(errno, "adopt a listener", "listen");
    }
  } else if (kind != DescriptorKind::tcp_listener && kind != DescriptorKind::unix_listener) {
    return failure(Errc::wrong_handle, "adopt a listener", describe(kind));
  }
  const bool unix_domain = kind == DescriptorKind::unix_listener || kind == DescriptorKind::unix_stream;
  return Server(
      std::make_shared<State>(loop, std::move(descriptor), unix_domain ? "null:null:null" : "-1:null:-1", 1));
}

Loop& Server::loop() const noexcept { return state_->loop; }
void Server::on_connection(std::move_only_function<void(Socket)> callback) {
  state_->on_connection.set(std::move(callback));
  state_->update();
}
void Server::on_error(std::move_only_function<void(const Error&)> callback) {
  state_->on_error.set(std::move(callback));
}
void Server::pause() {
  state_->paused = true;
  state_->update();
}
void Server::resume() {
  state_->paused = false;
  state_->update();
}
void Server::accept_pending() {
  const auto state = state_;
  if (state->on_connection) state->accept(accepts_at_the_end);
}
void Server::close() noexcept {
  if (state_) std::exchange(state_, nullptr)->close();
}
Endpoint Server::local() const { return local_endpoint(descriptor()); }
const std::string& Server::key() const noexcept { return state_->key; }
int Server::descriptor() const noexcept { return state_ ? state_->descriptor.get() : -1; }
Fd Server::release() {
  const auto state = std::move(state_);
  state->poll.close();
  Fd descriptor = std::move(state->descriptor);
  state->close();
  return descriptor;
}
void Server::ref() { state_->poll.ref(); }
void Server::unref() { state_->poll.unref(); }

Server listen(Loop& loop, const Endpoint& endpoint, const ListenOptions& options) {
  const std::string operation = "listen " + endpoint.to_string();
  Fd descriptor = bound_stream(endpoint, options, operation);
  if (::listen(descriptor.get(), options.backlog()) != 0) throw Error(errno, operation, "listen");
  return Server(
      std::make_shared<Server::State>(loop, std::move(descriptor), key_of(endpoint), accepts_alone));
}

Server listen(Loop& loop, BoundSocket socket, const ListenOptions& options) {
  if (!socket) throw std::logic_error("listen: there is no bound socket");
  const Endpoint endpoint = socket.local();
  Fd descriptor = socket.release();
  if (::listen(descriptor.get(), options.backlog()) != 0) {
    throw Error(errno, "listen " + endpoint.to_string(), "listen");
  }
  return Server(
      std::make_shared<Server::State>(loop, std::move(descriptor), key_of(endpoint), accepts_alone));
}

}  // namespace baton::net
