#include "baton/net/server.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/thrown.h"
#include "baton/net/bound_socket.h"
#include "loop/poll.h"
#include "loop/served.h"
#include "loop/slot.h"
#include "net/accept.h"
#include "net/bound_stream.h"
#include "net/last_call.h"
#include "net/listener_watch.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

constexpr int accepts_alone = 64;
constexpr int accepts_at_the_end = 4096;
constexpr auto report_interval = std::chrono::seconds(1);

std::string key_of(const Endpoint& asked) {
  if (asked.family() == -1) return "-1:" + asked.path() + ":-1";
  return std::to_string(asked.family()) + ":" + asked.address() + ":" + std::to_string(asked.port());
}

}  // namespace

struct Server::State : std::enable_shared_from_this<State> {
  State(Loop& owner, Fd fd, std::string listen_key)
      : loop(owner), descriptor(std::move(fd)), key(std::move(listen_key)) {}

  Loop& loop;
  Fd descriptor;
  Poll poll;
  std::string key;
  Slot<Socket> on_connection;
  Slot<const Error&> on_error;
  AcceptFailures failures;
  Timer pause_timer;
  std::chrono::milliseconds last_report{-report_interval};
  Holders holders = Holders::this_process;
  const DescriptorKind accepted_kind = descriptor_kind(descriptor.get()) == DescriptorKind::unix_listener
                                           ? DescriptorKind::unix_stream
                                           : DescriptorKind::tcp;
  bool paused = false;
  LastCall last_call;
  std::vector<Promise<>> last_calls;

  void update() {
    // While it is called, the callback is not in its place.
    if (!descriptor || (!on_connection && !poll)) return;
    if (!poll) {
      poll = Poll(loop, descriptor.get(), [this](int) {
        const auto self = shared_from_this();
        accept(holders == Holders::this_process ? accepts_alone : 1);
      });
    }
    poll.want(paused || pause_timer.active() ? Poll::nothing : Poll::readable);
  }

  // What is left when the loop stops is still in the kernel when it goes on; at the end there is no more.
  void accept(int at_most) {
    const bool at_the_end = at_most == accepts_at_the_end;
    for (int i = 0; i < at_most && descriptor && !paused && (at_the_end || !loop.stopping()); ++i) {
      Fd fd = accept_connection(descriptor.get(), holders);
      if (!fd) {
        if (!goes_on_after(errno)) return;
        continue;
      }
      failures.accepted();
      auto socket = Socket::adopt(loop, std::move(fd), accepted_kind);
      if (!socket) {
        report(socket.error());
        continue;
      }
      socket->set_server_key(key);
      on_connection.fire(loop, std::move(*socket));
    }
  }

  void set_shared(bool others_too) {
    holders = others_too ? Holders::others_too : Holders::this_process;
    if (others_too) bound_waits(descriptor.get());
  }

  bool goes_on_after(int error) {
    using Next = AcceptFailures::Next;
    // Whoever shares a listener can shut it down; who hears of it first makes it listen again.
    if (error == EINVAL && revive_listener(descriptor.get(), ListenOptions().backlog()) != Revival::lost) {
      failures.accepted();
    }
    const Next next = failures.after(error);
    if (next == Next::wait || next == Next::again) return next == Next::again;
    const bool over = next == Next::give_up;
    report(Error(error, "accept on " + local_endpoint(descriptor.get()).to_string(),
                 over ? "accept4, for the last time" : "accept4"),
           over);
    if (!descriptor) return false;
    if (over) {
      paused = true;
    } else {
      pause_timer = Timer(loop, AcceptFailures::pause_time, [this] {
        pause_timer.stop();
        update();
      });
    }
    update();
    return false;
  }

  void report(const Error& error, bool last = false) {
    if (!last && loop.now() - last_report < report_interval) return;
    last_report = loop.now();
    if (on_error) {
      on_error.fire(loop, error);
    } else {
      loop.report(error.what());
    }
  }

  Op<> call_last() {
    Promise<>& promise = last_calls.emplace_back(loop, "last call");
    auto op = promise.op();
    if (last_call) return op;
    turn_newcomers_away(descriptor.get());
    last_call = LastCall(
        loop, [this] { return somebody_waits(descriptor.get()); },
        [this] {
          for (Promise<>& each : std::exchange(last_calls, {})) each.resolve({});
        });
    return op;
  }

  void close() {
    last_call = LastCall();
    last_calls.clear();
    on_connection.clear();
    on_error.clear();
    pause_timer.stop();
    poll.close();
    const Native closed(std::move(descriptor));  // waits for nobody, whatever others made of it
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
  Native native(std::move(descriptor));
  const DescriptorKind kind = descriptor_kind(native.descriptor());
  if (kind == DescriptorKind::closed) return failure(EBADF, "adopt a listener");
  if (kind == DescriptorKind::tcp || kind == DescriptorKind::unix_stream) {
    if (::listen(native.descriptor(), ListenOptions().backlog()) != 0) {
      return failure(errno, "adopt a listener", "listen");
    }
  } else if (kind != DescriptorKind::tcp_listener && kind != DescriptorKind::unix_listener) {
    return failure(Errc::wrong_handle, "adopt a listener", describe(kind));
  }
  descriptor = native.release();
  const bool unix_domain = kind == DescriptorKind::unix_listener || kind == DescriptorKind::unix_stream;
  Server server(
      std::make_shared<State>(loop, std::move(descriptor), unix_domain ? "null:null:null" : "-1:null:-1"));
  server.shared(true);
  return server;
}

Server::State& Server::state() const {
  if (!state_) throw std::logic_error("there is no listener: none was made, or it was moved or given away");
  return *state_;
}
Loop& Server::loop() const { return state().loop; }
void Server::on_connection(Serving<Socket> callback) {
  state().on_connection.set(
      served(state().loop, std::move(callback),
             [&loop = state().loop, weak = std::weak_ptr(state_)](const std::exception_ptr& thrown) {
               const Error error = thrown_by("serve a connection", thrown);
               const auto state = weak.lock();
               if (!state || !state->on_error) return loop.contained(thrown, error);
               state->on_error.fire(loop, error);
             }));
  state().update();
}
void Server::on_error(Handler<const Error&> callback) { state().on_error.set(std::move(callback)); }
void Server::pause() {
  state().paused = true;
  state().update();
}
void Server::resume() {
  state().paused = false;
  state().update();
}
void Server::accept_pending() {
  const auto state = this->state().shared_from_this();
  if (state->on_connection) state->accept(accepts_at_the_end);
}
void Server::shared(bool others_too) const {
  if (state_) state_->set_shared(others_too);
}
Op<> Server::last_call() { return state().call_last(); }
void Server::close() noexcept {
  if (state_) std::exchange(state_, nullptr)->close();
}
Endpoint Server::local() const { return local_endpoint(state().descriptor.get()); }
const std::string& Server::key() const { return state().key; }
int Server::descriptor() const noexcept { return state_ ? state_->descriptor.get() : -1; }
Fd Server::release() {
  const auto state = this->state().shared_from_this();
  state_ = nullptr;
  state->poll.close();
  Fd descriptor = std::move(state->descriptor);
  state->close();
  return descriptor;
}
void Server::ref() { state().poll.ref(); }
void Server::unref() { state().poll.unref(); }

Server listen(Loop& loop, const Endpoint& endpoint, const ListenOptions& options) {
  return Server(std::make_shared<Server::State>(loop, listening_stream(endpoint, options), key_of(endpoint)));
}

Server listen(Loop& loop, uint16_t port, const ListenOptions& options) {
  try {
    return listen(loop, Endpoint("::", port), options);
  } catch (const Error& error) {
    const bool lacks_ipv6 = error.code() == std::errc::address_family_not_supported ||
                            error.code() == std::errc::address_not_available;
    if (!lacks_ipv6 || options.ipv6_only()) throw;
  }
  return listen(loop, Endpoint("0.0.0.0", port), options);
}

Server listen(Loop& loop, BoundSocket socket, const ListenOptions& options) {
  if (!socket) throw std::logic_error("listen: there is no bound socket");
  const Endpoint endpoint = socket.local();
  Fd descriptor = socket.release();
  if (::listen(descriptor.get(), options.backlog()) != 0) {
    throw Error(errno, "listen " + endpoint.to_string(), "listen");
  }
  return Server(std::make_shared<Server::State>(loop, std::move(descriptor), key_of(endpoint)));
}

}  // namespace baton::net
