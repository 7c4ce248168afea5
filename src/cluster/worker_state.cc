#include "cluster/worker_state.h"

#include <filesystem>
#include <utility>

namespace baton::cluster {
namespace {

constexpr auto lag_interval = std::chrono::milliseconds(100);

wire::ListenQuery query_for(const Where& where, const ListenOptions& options) {
  wire::ListenQuery query;
  query.has_flags = true;
  query.flags = options.ipv6_only() ? wire::ListenQuery::ipv6_only : 0;
  query.backlog = options.backlog();
  if (where.descriptor() >= 0) {
    query.type = wire::AddressType::unknown;
    query.fd = where.descriptor();
  } else if (where.endpoint() && where.endpoint()->family() == -1) {
    query.type = wire::AddressType::unix_path;
    query.address = where.endpoint()->path();
    if (!query.is_abstract())
      query.address = std::filesystem::absolute(*query.address).lexically_normal().string();
    query.port = -1;
    query.has_flags = false;
    query.flags.reset();
    query.readable_all = options.readable_all();
    query.writable_all = options.writable_all();
  } else {
    query.port = where.port();
    if (where.endpoint()) query.address = where.endpoint()->address();
    const bool v6 = where.endpoint() && where.endpoint()->family() == 6;
    query.type = v6 ? wire::AddressType::tcp6 : wire::AddressType::tcp4;
  }
  return query;
}

// Member by member as Node's dgram gives them.
wire::ListenQuery udp_query_for(const Where& where, const net::UdpOptions& options) {
  wire::ListenQuery query;
  query.type = wire::AddressType::udp4;
  query.has_flags = true;
  query.fd = where.descriptor();
  if (where.descriptor() >= 0) return query;
  if (where.endpoint() && where.endpoint()->family() == 6) query.type = wire::AddressType::udp6;
  query.address = where.endpoint() ? where.endpoint()->address() : "0.0.0.0";
  query.port = where.port();
  query.flags = (options.ipv6_only() ? wire::ListenQuery::ipv6_only : 0) |
                (options.reuse_address() ? wire::ListenQuery::reuse_address : 0);
  return query;
}

Error leaving_error(std::string_view operation) {
  return {make_error_code(Errc::disconnected), operation, "this worker leaves"};
}

}  // namespace

Worker::State::State(Process& owner, const WorkerSettings& given)
    : process(owner),
      settings(given),
      reports(owner.loop(), [&loop = owner.loop()](std::string_view line) { loop.report(line); }) {}

// --- what the program does

void Worker::State::start() {
  Channel& primary = process.parent();
  // Our object dies before the process's channel, and cuts these.
  primary.on_internal([this](Message message) { on_internal(std::move(message)); });
  primary.on_internal_refused([this](const Value& message) {
    if (wire::is_cluster_message(message)) feed([&] { machine.handle_lost(message); });
  });
  primary.on_peer_baton([this] { feed([this] { machine.primary_is_baton(); }); });
  primary.disconnected().then([weak = weak_from_this()](const Result<void>&) {
    const auto self = weak.lock();
    if (self && !self->shut) self->feed([&] { self->machine.channel_ended(); });
  });
  primary.ref();
  feed([&] {
    machine.start();
    if (primary.peer_is_baton()) machine.primary_is_baton();
  });
}

void Worker::State::listen(const Where& where, const ListenOptions& options, Listened done) {
  if (leaving) return done(std::unexpected(leaving_error("listen")));
  if (options.exclusive()) return listen_alone(where, options, std::move(done));
  const ServerId id = ++last_server;
  auto listener = std::make_shared<Listener::State>(process.loop(), weak_from_this(), id, options);
  wire::ListenQuery query = query_for(where, options);
  if (where.endpoint() && where.endpoint()->family() == -1) listener->local = *where.endpoint();
  asked.emplace(id, Asked{listener, query.port.value_or(0), std::move(done), {}});
  feed([&] {
    machine.listen(id, std::move(query));
    machine.max_connections(id, listener->most());
  });
}

void Worker::State::listen_alone(const Where& where, const ListenOptions& options, Listened done) {
  const int64_t backlog = options.backlog() > 0 ? options.backlog() : net::ListenOptions().backlog();
  auto opened = ListenerSocket::open(query_for(where, options), Sharing::handed_over, backlog);
  if (!opened) return done(std::unexpected(opened.error()));
  auto listener = std::make_shared<Listener::State>(process.loop(), weak_from_this(), 0, options);
  if (auto accepted = listener->accept_from(std::move(*opened)); !accepted) {
    return done(std::unexpected(accepted.error()));
  }
  exclusive.push_back(listener);
  done(Listener(std::move(listener)));
}

net::Endpoint Worker::State::serve(Listener listener, http::Server server) {
  Served& entry = served.emplace_back();
  entry.server = std::move(server);
  entry.listener = std::move(listener);
  entry.listener.on_connection(
      [&server = entry.server](net::Socket connection) { server.adopt(std::move(connection)); });
  return entry.listener.local();
}

void Worker::State::bind_udp(const Where& where, const net::UdpOptions& options, Bound done) {
  if (leaving) {
    done(std::unexpected(leaving_error("bind")));
    return;
  }
  if (options.reuse_port() && where.descriptor() < 0) {
    const net::Endpoint any("0.0.0.0", where.port());
    return bind_udp_alone(where.endpoint().value_or(any), options, std::move(done));
  }
  const ServerId id = ++last_server;
  wire::ListenQuery query = udp_query_for(where, options);
  // What the primary is not told of is set here, on the socket that all share.
  auto bound = [options, done = std::move(done)](Result<net::UdpSocket> socket) mutable {
    if (socket && options.receive_buffer() != 0)
      std::ignore = socket->receive_buffer(options.receive_buffer());
    if (socket && options.send_buffer() != 0) std::ignore = socket->send_buffer(options.send_buffer());
    done(std::move(socket));
  };
  asked.emplace(id, Asked{nullptr, where.port(), {}, std::move(bound)});
  feed([&] { machine.listen(id, std::move(query)); });
}

void Worker::State::bind_udp_alone(const net::Endpoint& endpoint, const net::UdpOptions& options,
                                   Bound done) {
  try {
    done(net::bind_udp(process.loop(), endpoint, options));
  } catch (const Error& error) {
    done(std::unexpected(error));
  }
}

void Worker::State::disconnect() {
  feed([this] { machine.disconnect(); });
}

void Worker::State::kill() {
  if (left || !process.parent().connected()) return process.exit(0);
  killing = true;
  feed([this] { machine.kill(); });
}

Op<> Worker::State::wait_until_left() {
  Promise<>& promise = left_waits.emplace_back(process.loop(), "leave a cluster");
  auto op = promise.op();
  settle_left();
  return op;
}

void Worker::State::shut_down() {
  shut = true;
  deadline.stop();
  lag_timer.stop();
  Channel& primary = process.parent();
  primary.on_internal({});
  primary.on_internal_refused({});
  primary.on_peer_baton({});
  if (!left) primary.unref();
  asked.clear();
  for (const auto& [id, weak] : listeners) {
    if (const auto listener = weak.lock()) listener->keep_loop(false);
  }
  served.clear();
  handles.clear();
  left_waits.clear();
}

// --- what its listeners do

void Worker::State::limit(const Listener::State& listener) {
  if (listener.id == 0 || shut) return;
  feed([&] { machine.max_connections(listener.id, listener.most()); });
}

void Worker::State::connection_opened(ServerId server) {
  if (server == 0) {
    ++exclusive_connections;
  } else if (!shut) {
    feed([&] { machine.connection_opened(server); });
  }
}

// Called while a socket goes, perhaps in a destructor: what follows from it comes later.
void Worker::State::connection_closed(ServerId server) {
  if (server == 0) --exclusive_connections;
  if (shut) return;
  closed_connections.push_back(server);
  if (closed_connections.size() > 1) return;
  process.loop().defer([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->shut) return;
    self->feed([&] {
      for (const ServerId of : std::exchange(self->closed_connections, {})) {
        if (of != 0) self->machine.connection_closed(of);
      }
    });
    self->settle_left();
  });
}

void Worker::State::closed(ServerId server) {
  if (shut || server == 0) return;
  listeners.erase(server);
  feed([&] { machine.close(server); });
}

// --- what happens

void Worker::State::on_internal(Message message) {
  if (!wire::is_cluster_message(message.value())) {
    if (message.has_handle()) {
      reports.report(Error(make_error_code(Errc::handle_unclaimed), "receive from the primary"));
    }
    return;
  }
  std::optional<HandleId> handle;
  if (auto* native = message.get_if<net::Native>()) {
    handle = ++last_handle;
    handles.emplace(*handle, std::move(*native));
  }
  feed([&] { machine.message(message.value(), handle); });
  if (read_done_due) return;
  read_done_due = true;
  // After everything that came with it.
  process.loop().defer([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->shut) return;
    self->read_done_due = false;
    self->feed([&] { self->machine.read_done(); });
  });
}

void Worker::State::begin_to_leave() {
  leaving = true;
  for (const auto& weak : std::exchange(exclusive, {})) {
    if (const auto listener = weak.lock()) listener->close(Listener::State::By::worker);
  }
  for (Served& entry : served) std::ignore = entry.server.retire(settings.grace());
  process.loop().defer([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->shut) self->on_leaving.fire_once(self->process.loop());
  });
}

void Worker::State::settle_left() {
  if (!left || shut || machine.connections() > 0 || exclusive_connections > 0) return;
  for (Promise<>& promise : std::exchange(left_waits, {})) promise.resolve({});
}

// A worker without connections is not woken for it.
void Worker::State::watch_lag() {
  if (machine.connections() == 0) return lag_timer.stop();
  if (lag_timer.active() || !process.parent().peer_is_baton()) return;
  lag_due = process.loop().now() + lag_interval;
  lag_timer = Timer::every(process.loop(), lag_interval, [this] {
    const auto late = process.loop().now() - lag_due;
    lag_due = process.loop().now() + lag_interval;
    feed([&] { machine.lag(static_cast<double>(std::max(late, std::chrono::milliseconds(0)).count())); });
  });
  lag_timer.unref();
}

}  // namespace baton::cluster
