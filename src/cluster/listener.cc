#include <utility>

#include "cluster/listener_state.h"
#include "cluster/worker_state.h"

namespace baton::cluster {
namespace {

// How many connections wait for a program that has not said yet who takes them.
constexpr uint64_t most_untaken = 64;

}  // namespace

std::optional<uint64_t> Listener::State::most() const {
  if (!on_connection_) return most_untaken;
  if (options.max_connections() == 0) return std::nullopt;
  return options.max_connections();
}

void Listener::State::accept_from(net::Server listening) {
  server_ = std::move(listening);
  if (on_connection_) serve();
}

Result<void> Listener::State::accept_from(ListenerSocket opened) {
  Fd copy = opened.duplicate();
  if (!copy) return failure(errno, "listen", "dup");
  auto server = net::Server::adopt(loop, std::move(copy));
  if (!server) return std::unexpected(server.error());
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
}

void Listener::State::take(net::Socket connection) {
  const auto self = shared_from_this();
  ++connections;
  // On its way through the primary its first request has mostly come.
  if (!server_) connection.expect_data();
  connection.on_gone([self] { self->gone(); });
  full_ = server_ && options.max_connections() > 0 && connections >= options.max_connections();
  if (full_) server_.pause();
  if (on_connection_ && waiting_.empty()) return on_connection_.fire(std::move(connection));
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

void Listener::State::set(std::move_only_function<void(net::Socket)> callback) {
  on_connection_.set(std::move(callback));
  if (closed_) return;
  if (const auto owner = worker.lock()) owner->limit(*this);
  if (server_) serve();
  if (waiting_.empty()) return;
  loop.defer([self = shared_from_this()] { self->deliver_waiting(); });
}

void Listener::State::deliver_waiting() {
  while (on_connection_ && !waiting_.empty()) {
    net::Socket connection = std::move(waiting_.front());
    waiting_.pop_front();
    on_connection_.fire(std::move(connection));
  }
}

void Listener::State::close(By whom) {
  const auto self = shared_from_this();
  if (!closed_) {
    closed_ = true;
    // What waits was told to be connected, and nobody else can serve it.
    if (own_ && server_) server_.accept_pending();
    deliver_waiting();
    server_.close();
    own_.reset();
  }
  if (whom == By::worker) return;
  on_connection_.clear();
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

Listener::operator bool() const noexcept { return state_ != nullptr; }
void Listener::on_connection(std::move_only_function<void(net::Socket)> callback) {
  state_->set(std::move(callback));
}
net::Endpoint Listener::local() const { return state_->local; }
uint32_t Listener::connections() const noexcept { return state_->connections; }
void Listener::close() {
  if (state_) std::exchange(state_, nullptr)->close(State::By::program);
}

}  // namespace baton::cluster
