#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "cluster/primary_state.h"
#include "spawn/process_table_linux.h"
#include "spawn/rights_linux.h"

namespace baton::cluster {
namespace {

constexpr std::chrono::milliseconds signal_patience(1000);
constexpr std::size_t most_unsent_answers = 1024;
constexpr std::size_t most_unanswered_shares = 256;  // as many listeners as it may have

bool runs_node(pid_t child) {
  std::error_code unreadable;
  const auto program =
      std::filesystem::read_symlink("/proc/" + std::to_string(child) + "/exe", unreadable).filename();
  return program == "node" || program == "nodejs";
}

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

}  // namespace

Listening asked(const wire::ListenQuery& query) {
  const auto port = static_cast<uint16_t>(std::clamp<int64_t>(query.port.value_or(0), 0, 65535));
  return {type_of(query), query.address, port, static_cast<int>(query.fd.value_or(-1))};
}

bool has_ended(pid_t child) {
  siginfo_t info{};
  const int options = WEXITED | WNOHANG | WNOWAIT;
  return ::waitid(P_PID, static_cast<id_t>(child), &info, options) != 0 || info.si_pid != 0;
}

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
    case Kind::signal:
      return signal(action);
    case Kind::look:
      return look(action.connection);
    case Kind::look_no_more:
      connections.at(action.connection).look.reset();
      return;
    case Kind::online:
    case Kind::listening:
    case Kind::stopped_listening:
    case Kind::signalled:
    case Kind::listen_failed:
    case Kind::report:
      return tell(action);
  }
}

void Primary::State::send(PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || !worker->child.connected()) return;
  if (action.message["ack"].is_undefined()) {
    std::ignore = worker->child.send(action.message);
    return;
  }
  // Who asks and does not read could have as much kept here as the channel takes.
  if (worker->unsent_answers >= most_unsent_answers) {
    return report(*worker, Error(ENOBUFS, "answer", "it does not read its answers"));
  }
  ++worker->unsent_answers;
  worker->child.send(action.message).then([weak = weak_from_this(), id = action.worker](const Result<void>&) {
    const auto self = weak.lock();
    WorkerProcess::State* there = self ? self->find(id) : nullptr;
    if (there != nullptr) --there->unsent_answers;
  });
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

void Primary::State::share(PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || !worker->child.connected()) return;
  const ListenerSocket& socket = sockets.at(action.listener).at(action.slot).socket;
  if (worker->unanswered_shares >= most_unanswered_shares) {
    report(*worker, Error(ENOBUFS, "share a listener", "it does not take those that it has"));
    return machine.share_failed(action.worker, action.listener);
  }
  Fd copy = socket.duplicate();
  if (!copy) {
    report(*worker, Error(errno, "share a listener", "dup"));
    return machine.share_failed(action.worker, action.listener);
  }
  ++worker->unanswered_shares;
  auto sent = worker->child.send(action.message, net::Native(std::move(copy)));
  std::move(sent).then(
      [weak = weak_from_this(), id = action.worker, listener = action.listener](const Result<void>& result) {
        const auto self = weak.lock();
        WorkerProcess::State* there = self ? self->find(id) : nullptr;
        if (there != nullptr) --there->unanswered_shares;
        if (result || !self) return;
        if (there != nullptr) self->report(*there, result.error());
        self->feed([&] { self->machine.share_failed(id, listener); });
      });
}

void Primary::State::accept(const PrimaryAction& action) {
  const auto found = sockets.find(action.listener);
  if (found == sockets.end()) return;
  const auto socket = found->second.find(action.slot);
  if (socket == found->second.end()) return;
  socket->second.accepting = action.on;
  accept_from(action.listener, action.slot, socket->second);
}

void Primary::State::accept_from(ListenerId listener, unsigned slot, Socket& socket) {
  const auto update = [&](const ListenerSocket& from, std::shared_ptr<Acceptor>& acceptor) {
    if (!acceptor && socket.accepting) acceptor = acceptor_for(listener, slot, from.descriptor());
    if (acceptor) acceptor->want(socket.accepting);
  };
  update(socket.socket, socket.acceptor);
  if (socket.former) update(*socket.former, socket.former_acceptor);
}

std::shared_ptr<Acceptor> Primary::State::acceptor_for(ListenerId listener, unsigned slot, int descriptor) {
  const auto view = machine.listener(listener);
  if (!view) return nullptr;
  // A worker that is gone may have left its socket to others; one that was inherited has a parent.
  const bool shared = view->sharing == Sharing::a_socket_each || view->query.fd.value_or(-1) >= 0;
  const auto holders = shared ? net::Holders::others_too : net::Holders::this_process;
  const bool with_client = policy.kind() == Policy::Kind::sticky || policy.kind() == Policy::Kind::chosen;
  auto acceptor = std::make_shared<Acceptor>(process.loop(), descriptor, holders, with_client);
  acceptor->on_room([this, listener, slot] { return machine.accepts(listener, slot); });
  acceptor->on_connection([this, listener](net::Native handle, std::string_view client) {
    const ConnectionId id = ++last_connection;
    connections[id].handle = std::move(handle);
    feed([&] { machine.accepted(listener, id, client); });
  });
  acceptor->on_error([this](const Error& error) { process.loop().report(error.what()); });
  return acceptor;
}

void Primary::State::close_listener(ListenerId listener) {
  const auto found = sockets.find(listener);
  if (found == sockets.end()) return;
  for (auto& [slot, socket] : found->second) {
    for (const auto& acceptor : {socket.acceptor, socket.former_acceptor}) {
      if (acceptor) acceptor->close();
    }
  }
  // What is about to end has the time that this takes.
  if (!closing) {
    for (auto& [slot, socket] : found->second) {
      close_aside(socket.socket, socket.removals);
      if (socket.former) close_aside(*socket.former, socket.removals);
    }
  }
  sockets.erase(found);
}

void Primary::State::kill(const PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || worker->dead) return;
  const bool hangs = !worker->disconnected;
  try {
    // It has ended, and that is not heard yet.
    if (!worker->child.kill(action.signal)) return;
  } catch (const Error& error) {
    return report(*worker, error);
  }
  if (!hangs) return;
  if (on_hang) return on_hang.fire(process.loop(), worker->face);
  process.loop().report("worker " + std::to_string(worker->id) + ": " + action.text);
}

void Primary::State::signal(const PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr || worker->dead) return;
  const auto settle = [this, worker, signal = action.signal](bool send) {
    const auto self = shared_from_this();
    if (worker->dead) return;
    bool sent = false;
    try {
      sent = send && worker->child.kill(signal);
    } catch (const Error& error) {
      report(*worker, error);
    }
    if (sent) worker->on_signalled.fire_once(process.loop());
    if (!shut) feed([&] { machine.signal_settled(worker->id); });
  };
  if (action.on) return settle(true);
  const auto handles = std::make_shared<bool>(false);
  worker->signal_look = spawner::Look(
      process.loop(), worker->lane, signal_patience,
      [handles, pid = worker->child.pid(), signal = action.signal] {
        // Node catches signals for itself.
        *handles = !runs_node(pid) && spawner::handles_signal(pid, signal);
      },
      [handles, settle](const Result<void>& in_time) { settle(in_time.has_value() && *handles); });
}

void Primary::State::look(ConnectionId id) {
  Connection& connection = connections.at(id);
  if (!sticky_looks) sticky_looks = std::make_shared<StickyLooks>(process.loop());
  connection.look = std::make_unique<StickyLook>(process.loop(), sticky_looks, connection.handle.descriptor(),
                                                 policy, [this, id](std::optional<std::string_view> value) {
                                                   // The value lies in what is destroyed here.
                                                   const auto done = std::move(connections.at(id).look);
                                                   feed([&] { machine.sticky_value(id, value); });
                                                 });
}

void Primary::State::tell(PrimaryAction& action) {
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr) return;
  using Kind = PrimaryAction::Kind;
  if (action.kind == Kind::online) {
    on_online.fire(process.loop(), worker->face);
    if (!shut) worker->on_online.fire_once(process.loop());
  } else if (action.kind == Kind::stopped_listening) {
    on_stopped_listening.fire(process.loop(), worker->face);
  } else if (action.kind == Kind::signalled) {
    worker->on_signalled.fire_once(process.loop());
  } else if (action.kind == Kind::listening) {
    const Listening where = asked(action.query);
    if (!worker->remember(where)) {
      report(*worker, Error(ENOBUFS, "remember where it listens", "more places than are remembered"));
    }
    on_listening.fire(process.loop(), worker->face, where);
    if (!shut) worker->on_listening.fire(process.loop(), where);
  } else if (action.kind == Kind::listen_failed) {
    if (on_listen_error) {
      on_listen_error.fire(process.loop(), worker->face, asked(action.query), *action.error);
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
