#include <algorithm>
#include <cstdio>
#include <utility>

#include "cluster/primary_state.h"

namespace baton::cluster {
namespace {

constexpr std::size_t most_looks = 1024;

Listening::Type type_of(const wire::ListenQuery& query) {
  switch (query.type) {
    case wire::AddressType::tcp6:
      return Listening::Type::ipv6;
    case wire::AddressType::unix_path:
      return Listening::Type::unix_path;
    case wire::AddressType::udp4:
      return Listening::Type::udp4;
    case wire::AddressType::udp6:
      return Listening::Type::udp6;
    case wire::AddressType::tcp4:
    case wire::AddressType::unknown:
      break;
  }
  return Listening::Type::ipv4;
}

Listening asked(const wire::ListenQuery& query) {
  const auto port = static_cast<uint16_t>(std::clamp<int64_t>(query.port.value_or(0), 0, 65535));
  return {type_of(query), query.address, port, static_cast<int>(query.fd.value_or(-1))};
}

}  // namespace

Listening Primary::State::bound(const PrimaryMachine::Listener& listener) {
  Listening wanted = asked(listener.query);
  if (!listener.sockname) return wanted;
  const bool v6 = listener.sockname->family == "IPv6";
  Listening::Type type = v6 ? Listening::Type::ipv6 : Listening::Type::ipv4;
  if (wanted.udp()) type = v6 ? Listening::Type::udp6 : Listening::Type::udp4;
  return {type, listener.sockname->address, static_cast<uint16_t>(listener.sockname->port),
          wanted.descriptor()};
}

void Primary::State::carry_out() {
  // What an action causes is carried out after it, by the call that carries out already.
  if (carrying_out) return;
  carrying_out = true;
  try {
    while (!shut) {
      auto action = machine.next_action();
      if (!action) break;
      carry_out(*action);
    }
  } catch (...) {
    carrying_out = false;
    process.loop().defer([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->carry_out();
    });
    throw;
  }
  carrying_out = false;
  if (!shut) set_deadline();
}

void Primary::State::carry_out(PrimaryAction& action) {
  using Kind = PrimaryAction::Kind;
  switch (action.kind) {
    case Kind::send:
      return send(action);
    case Kind::offer:
      return offer(action);
    case Kind::take_back:
      return take_back(action.connection);
    case Kind::close_connection:
      take_back(action.connection);
      if (connections.at(action.connection).look) --looks;
      connections.erase(action.connection);
      return;
    case Kind::open:
      return open(action);
    case Kind::share:
      return share(action);
    case Kind::accept:
      return accept(action);
    case Kind::close_listener:
      return close_listener(action.listener);
    case Kind::kill:
      return kill(action);
    case Kind::look:
      return look(action.connection);
    case Kind::online:
    case Kind::listening:
    case Kind::listen_failed:
    case Kind::report:
      return tell(action);
  }
}

void Primary::State::send(PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || !worker->child.connected()) return;
  std::ignore = worker->child.send(action.message);
}

void Primary::State::offer(PrimaryAction& action) {
  Connection& connection = connections.at(action.connection);
  WorkerProcess::State* worker = find(action.worker);
  if (worker != nullptr && worker->child.connected()) {
    const auto offered = worker->child.offer(action.message, std::move(connection.handle));
    if (offered) {
      connection.worker = action.worker;
      connection.offer = *offered;
      worker->offers.emplace(*offered, action.connection);
      return;
    }
  }
  machine.refused(action.connection);
}

void Primary::State::take_back(ConnectionId id) {
  Connection& connection = connections.at(id);
  if (connection.worker == 0) return;
  WorkerProcess::State* worker = find(std::exchange(connection.worker, 0));
  if (worker == nullptr) return;
  worker->offers.erase(connection.offer);
  connection.handle = worker->child.take_back(connection.offer);
}

void Primary::State::open(const PrimaryAction& action) {
  const auto listener = machine.listener(action.listener);
  if (!listener) return;
  Sockets& open = sockets[action.listener];
  auto opened = open.empty() ? ListenerSocket::open(process.loop(), listener->query, listener->sharing,
                                                    listener->backlog)
                             : open.begin()->second.socket.beside(listener->backlog);
  if (!opened) {
    if (open.empty()) sockets.erase(action.listener);
    machine.open_failed(action.listener, action.slot, opened.error().code().value());
    return;
  }
  const auto sockname = opened->sockname();
  open.emplace(action.slot, Socket(std::move(*opened)));
  machine.opened(action.listener, action.slot, sockname);
}

void Primary::State::share(PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || !worker->child.connected()) return;
  const ListenerSocket& socket = sockets.at(action.listener).at(action.slot).socket;
  Fd copy = socket.duplicate();
  if (!copy) {
    report(*worker, Error(errno, "share a listener", "dup"));
    return machine.share_failed(action.worker, action.listener);
  }
  auto sent = worker->child.send(action.message, net::Native(std::move(copy)));
  std::move(sent).then(
      [weak = weak_from_this(), id = action.worker, listener = action.listener](const Result<void>& result) {
        const auto self = weak.lock();
        if (result || !self) return;
        if (WorkerProcess::State* there = self->find(id)) self->report(*there, result.error());
        self->feed([&] { self->machine.share_failed(id, listener); });
      });
}

void Primary::State::accept(const PrimaryAction& action) {
  const ListenerId listener = action.listener;
  const unsigned slot = action.slot;
  const auto found = sockets.find(listener);
  if (found == sockets.end()) return;
  const auto socket = found->second.find(slot);
  if (socket == found->second.end()) return;
  auto& acceptor = socket->second.acceptor;
  if (!acceptor) {
    if (!action.on) return;
    const bool with_client = policy.kind() == Policy::Kind::sticky || policy.kind() == Policy::Kind::chosen;
    acceptor = std::make_shared<Acceptor>(process.loop(), socket->second.socket.descriptor(), with_client);
    acceptor->on_room([this, listener, slot] { return machine.accepts(listener, slot); });
    acceptor->on_connection([this, listener](net::Native handle, std::string_view client) {
      const ConnectionId id = ++last_connection;
      connections[id].handle = std::move(handle);
      feed([&] { machine.accepted(listener, id, client); });
    });
    acceptor->on_error([](const Error& error) { std::fprintf(stderr, "baton: %s\n", error.what()); });
  }
  acceptor->want(action.on);
}

void Primary::State::close_listener(ListenerId listener) {
  const auto found = sockets.find(listener);
  if (found == sockets.end()) return;
  for (auto& [slot, socket] : found->second) {
    if (socket.acceptor) socket.acceptor->close();
  }
  sockets.erase(found);
}

void Primary::State::kill(const PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || worker->dead) return;
  const bool hangs = !worker->disconnected;
  try {
    worker->child.kill(action.signal);
  } catch (const Error& error) {
    return report(*worker, error);
  }
  if (!hangs) return;
  if (on_hang) return on_hang.fire(worker->face);
  std::fprintf(stderr, "baton: worker %u: %s\n", worker->id, action.text.c_str());
}

void Primary::State::look(ConnectionId id) {
  if (looks >= most_looks) return machine.sticky_value(id, std::nullopt);
  Connection& connection = connections.at(id);
  ++looks;
  connection.look = std::make_unique<StickyLook>(process.loop(), connection.handle.descriptor(), policy,
                                                 [this, id](std::optional<std::string_view> value) {
                                                   // The value lies in what is destroyed here.
                                                   const auto done = std::move(connections.at(id).look);
                                                   --looks;
                                                   feed([&] { machine.sticky_value(id, value); });
                                                 });
}

void Primary::State::tell(PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr) return;
  using Kind = PrimaryAction::Kind;
  if (action.kind == Kind::online) {
    on_online.fire(worker->face);
    if (!shut) worker->on_online.fire_once();
  } else if (action.kind == Kind::listening) {
    const Listening where = asked(action.query);
    worker->listening.push_back(where);
    on_listening.fire(worker->face, where);
    if (!shut) worker->on_listening.fire(where);
  } else if (action.kind == Kind::listen_failed) {
    if (on_listen_error) {
      on_listen_error.fire(worker->face, asked(action.query), *action.error);
    } else {
      report(*worker, *action.error);
    }
  } else if (action.error) {
    report(*worker, *action.error);
  }
}

// A timer that is due too early only looks again; starting it anew for each connection would cost more.
void Primary::State::set_deadline() {
  const auto next = machine.next_deadline();
  if (!next || (deadline_at && *deadline_at <= *next)) return;
  deadline_at = next;
  const Milliseconds wait = *next > now() ? *next - now() : 0;
  deadline = Timer(process.loop(), std::chrono::milliseconds(wait), [this] {
    deadline_at.reset();
    feed([] {});
  });
  deadline.unref();
}

}  // namespace baton::cluster
