#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/thrown.h"
#include "cluster/listener_state.h"
#include "cluster/worker_state.h"
#include "loop/served.h"

namespace baton::cluster {
namespace {

// How many connections wait for a program that has not said yet who takes them.
constexpr uint64_t most_untaken = 64;

}  // namespace

std::optional<uint64_t> Listener::State::most() const {
  if (on_connection_) return options.max_connections();
  return std::min<uint64_t>(most_untaken, options.max_connections().value_or(most_untaken));
}

void Listener::State::accept_from_primary() {
  keeping_ = Timer::every(loop, std::chrono::hours(24), [] {});
  if (!keeps_loop_) keeping_.unref();
}

void Listener::State::keep_loop(bool on) {
  keeps_loop_ = on;
  if (keeping_.active()) on ? keeping_.ref() : keeping_.unref();
  if (server_) on ? server_.ref() : server_.unref();
}

void Listener::State::accept_from(net::Server listening) {
  server_ = std::move(listening);
  if (!keeps_loop_) server_.unref();
  if (on_connection_) serve();
}

Result<void> Listener::State::accept_from(ListenerSocket opened) {
  Fd copy = opened.duplicate();
  if (!copy) return failure(errno, "listen", "dup");
  auto server = net::Server::adopt(loop, std::move(copy));
  if (!server) return std::unexpected(server.error());
  server->shared(false);
  own_.emplace(std::move(opened));
  local = server->local();
  accept_from(std::move(*server));
  return {};
}

void Listener::State::serve() {
  server_.on_connection([this](net::Socket connection) {
    const auto self = shared_from_this();
    if (const auto owner = worker.lock()) owner->connection_opened(id);
    take(std::move(connection));
  });
  full_ = is_full();
  if (full_) server_.pause();
}

void Listener::State::take(net::Socket connection) {
  const auto self = shared_from_this();
  ++connections;
  // On its way through the primary its first request has mostly come.
  if (!server_) connection.expect_data();
  connection.on_gone([self] { self->gone(); });
  full_ = server_ && is_full();
  if (full_) server_.pause();
  if (on_connection_ && waiting_.empty()) return on_connection_.fire(loop, std::move(connection));
  waiting_.push_back(std::move(connection));
}

void Listener::State::gone() {
  --connections;
  if (full_ && !closed_) {
    full_ = false;
    server_.resume();
  }
  if (const auto owner = worker.lock()) owner->connection_closed(id);
}

void Listener::State::set(Serving<net::Socket> callback) {
  on_connection_.set(served(loop, std::move(callback),
                            [&to = loop, weak = weak_from_this()](const std::exception_ptr& thrown) {
                              const Error error = thrown_by("serve a connection", thrown);
                              const auto self = weak.lock();
                              if (!self || !self->on_error) return to.contained(thrown, error);
                              self->on_error.fire(to, error);
                            }));
  if (closed_) return;
  if (const auto owner = worker.lock()) owner->limit(*this);
  if (server_) serve();
  if (!waiting_.empty()) deliver_later();
}

void Listener::State::deliver_later() {
  loop.defer([self = shared_from_this()] { self->deliver_waiting(); });
}

void Listener::State::deliver_waiting() {
  while (on_connection_ && !waiting_.empty()) {
    if (loop.stopping() && !closed_) return deliver_later();
    net::Socket connection = std::move(waiting_.front());
    waiting_.pop_front();
    on_connection_.fire(loop, std::move(connection));
  }
}

void Listener::State::close(By whom) {
  const auto self = shared_from_this();
  if (!closed_) {
    closed_ = true;
    // What waits was told to be connected, and nobody else can serve it.
    if (own_ && server_) server_.accept_pending();
    deliver_waiting();
    keeping_.stop();
    server_.close();
    own_.reset();
  }
  if (whom == By::worker) return;
  on_connection_.clear();
  on_error.clear();
  waiting_.clear();
  if (const auto owner = worker.lock()) owner->closed(id);
}

Listener::Listener() noexcept = default;
Listener::Listener(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}
Listener::~Listener() { close(); }

Listener::State& Listener::state() const {
  if (!state_) throw std::logic_error("there is no listener: none was made, or it was moved or closed");
  return *state_;
}
Listener::operator bool() const noexcept { return state_ != nullptr; }
void Listener::on_connection(Serving<net::Socket> callback) { state().set(std::move(callback)); }
void Listener::on_error(Handler<const Error&> callback) { state().on_error.set(std::move(callback)); }
net::Endpoint Listener::local() const { return state().local; }
uint32_t Listener::connections() const noexcept { return state_ ? state_->connections : 0; }
void Listener::ref() { state().keep_loop(true); }
void Listener::unref() { state().keep_loop(false); }
void Listener::close() {
  if (state_) std::exchange(state_, nullptr)->close(State::By::program);
}

}  // namespace baton::cluster
