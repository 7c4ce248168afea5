#include "baton/cluster/worker.h"

#include <stdexcept>
#include <utility>

#include "cluster/worker_state.h"

namespace baton::cluster {

bool is_worker(const Process& process) noexcept { return process.worker_id().has_value(); }

Worker::Worker(Process& process, const WorkerSettings& settings) {
  if (!is_worker(process)) throw Error(ENOTCONN, "join the cluster", "NODE_UNIQUE_ID is not set");
  if (!process.has_parent()) throw Error(ENOTCONN, "join the cluster", "no channel to the primary");
  state_ = std::make_shared<State>(process, settings);
  state_->start();
}
Worker::Worker(Worker&&) noexcept = default;
Worker& Worker::operator=(Worker&& other) noexcept {
  if (this != &other) {
    if (state_) state_->shut_down();
    state_ = std::move(other.state_);
  }
  return *this;
}
Worker::~Worker() {
  if (state_) state_->shut_down();
}

Worker::State& Worker::state() const {
  if (!state_) throw std::logic_error("this Worker was moved away");
  return *state_;
}
uint32_t Worker::id() const { return state().process.worker_id().value_or(0); }

Op<Listener> Worker::listen(const Where& where, const ListenOptions& options) {
  Promise<Listener> promise(state().process.loop(), "listen");
  auto op = promise.op();
  state().listen(where, options, [promise = std::move(promise)](Result<Listener> listener) mutable {
    promise.resolve(std::move(listener));
  });
  return op;
}

Op<net::Endpoint> Worker::serve(const Where& where, http::Handler handler, const ListenOptions& options,
                                const http::Options& http) {
  ListenOptions how = options;
  if (!how.max_connections() && http.max_connections() > 0)
    how.max_connections(static_cast<uint32_t>(http.max_connections()));
  return serve(where, http::serve(state().process.loop(), std::move(handler), http), how);
}

Op<net::Endpoint> Worker::serve(const Where& where, http::Server server, const ListenOptions& options) {
  if (!server) throw std::logic_error("serve: there is no HTTP server");
  Promise<net::Endpoint> promise(state().process.loop(), "listen");
  auto op = promise.op();
  auto done = [state = &state(), promise = std::move(promise),
               server = std::move(server)](Result<Listener> listener) mutable {
    if (!listener) {
      promise.resolve(std::unexpected(std::move(listener).error()));
      return;
    }
    promise.resolve(state->serve(std::move(*listener), std::move(server)));
  };
  state().listen(where, options, std::move(done));
  return op;
}

Op<net::UdpSocket> Worker::bind_udp(const Where& where, const net::UdpOptions& options) {
  if (where.endpoint() && where.endpoint()->family() == -1)
    throw std::logic_error("bind_udp: a path is no address for UDP");
  Promise<net::UdpSocket> promise(state().process.loop(), "bind_udp");
  auto op = promise.op();
  state().bind_udp(where, options, [promise = std::move(promise)](Result<net::UdpSocket> socket) mutable {
    if (promise.wanted()) promise.resolve(std::move(socket));
  });
  return op;
}

void Worker::disconnect() { state().disconnect(); }
void Worker::kill() { state().kill(); }
void Worker::on_leaving(Handler<> callback) { state().on_leaving.set(std::move(callback)); }
Op<> Worker::left() { return state().wait_until_left(); }
bool Worker::exited_after_disconnect() const { return state().machine.leaving(); }
uint32_t Worker::connections() const {
  return static_cast<uint32_t>(state().machine.connections()) + state().exclusive_connections;
}

}  // namespace baton::cluster
