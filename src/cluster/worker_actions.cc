#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdio>
#include <utility>

#include "cluster/worker_state.h"
#include "net/sockaddr.h"

namespace baton::cluster {
namespace {

int errno_of(const Error& error) {
  return error.code().category() == std::generic_category() ? error.code().value() : EINVAL;
}

}  // namespace

// What Node's primary leaves to its workers; a Baton has done all of it.
void Worker::State::finish_listening(int descriptor, const net::Endpoint& local, const Asked& question) {
  const ListenOptions& options = question.listener->options;
  const std::string& path = local.path();
  struct stat file{};
  mode_t more = 0;
  if (options.readable_all()) more |= S_IRUSR | S_IRGRP | S_IROTH;
  if (options.writable_all()) more |= S_IWUSR | S_IWGRP | S_IWOTH;
  const bool has_file = !path.empty() && !path.starts_with('\0');
  if (more != 0 && has_file && ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode))
    ::chmod(path.c_str(), (file.st_mode & 0777U) | more);
  if (options.backlog() > 0) ::listen(descriptor, options.backlog());
}

void Worker::State::carry_out() {
  if (carrying_out) return;
  carrying_out = true;
  try {
    while (!shut) {
      if (machine.leaving() && !leaving) begin_to_leave();
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

void Worker::State::carry_out(WorkerAction& action) {
  using Kind = WorkerAction::Kind;
  switch (action.kind) {
    case Kind::send:
      return send(action);
    case Kind::emulate:
      return emulate(action);
    case Kind::adopt:
      return adopt(action);
    case Kind::failed:
      return failed(action);
    case Kind::deliver:
      return deliver(action);
    case Kind::close_handle:
      handles.erase(action.handle);
      return;
    case Kind::close_server: {
      const auto found = listeners.find(action.server);
      if (found == listeners.end()) return;
      if (const auto listener = found->second.lock()) listener->close(Listener::State::By::worker);
      return;
    }
    case Kind::end_channel:
      // The program, which learns in this tick that it leaves, may have a last word.
      process.loop().defer([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && !self->shut) self->process.parent().disconnect();
      });
      return;
    case Kind::ended:
      return end(action.agreed);
    case Kind::report:
      return reports.report(*action.error);
  }
}

void Worker::State::send(const WorkerAction& action) {
  Channel& primary = process.parent();
  if (!primary.connected()) return;
  auto sent = primary.send(action.message);
  if (action.token == 0) return;
  // A connection is served only when its answer is in the kernel, which it nearly always is at once.
  if (primary.write_now()) return machine.in_kernel(action.token);
  std::move(sent).then([weak = weak_from_this(), token = action.token](const Result<void>& result) {
    const auto self = weak.lock();
    if (self && !self->shut && result) self->feed([&] { self->machine.in_kernel(token); });
  });
}

net::Native Worker::State::take_handle(HandleId id) {
  const auto found = handles.find(id);
  if (found == handles.end()) return {};
  net::Native handle = std::move(found->second);
  handles.erase(found);
  return handle;
}

void Worker::State::emulate(const WorkerAction& action) {
  const auto found = asked.find(action.server);
  if (found == asked.end()) return;
  Asked answered = std::move(found->second);
  asked.erase(found);
  int64_t port = answered.port;
  if (action.sockname) {
    port = action.sockname->port;
    try {
      answered.listener->local = net::Endpoint(action.sockname->address, static_cast<uint16_t>(port));
    } catch (const std::invalid_argument&) {
      // A primary that names its addresses in its own way; they are only told to the program.
    }
  }
  listeners.emplace(action.server, answered.listener);
  answered.listener->accept_from_primary();
  answered.listened(Listener(std::move(answered.listener)));
  machine.listening(action.server, port);
}

void Worker::State::adopt(const WorkerAction& action) {
  net::Native handle = take_handle(action.handle);
  const auto found = asked.find(action.server);
  if (found == asked.end()) return;
  const net::Endpoint local = net::local_endpoint(handle.descriptor());
  const bool path = local.family() == -1;
  if (action.port > 0 && local.port() != action.port) return machine.listen_failed(action.server, EADDRINUSE);
  const int64_t port = path ? -1 : local.port();
  if (found->second.bound) {
    auto socket = net::UdpSocket::adopt(process.loop(), handle.release());
    if (!socket) return machine.listen_failed(action.server, EINVAL);
    socket->on_gone([weak = weak_from_this(), id = action.server] {
      if (const auto self = weak.lock()) self->closed(id);
    });
    Asked answered = std::move(found->second);
    asked.erase(found);
    answered.bound(std::move(socket));
    return machine.listening(action.server, port);
  }
  if (!process.parent().peer_is_baton()) finish_listening(handle.descriptor(), local, found->second);
  auto server = net::Server::adopt(process.loop(), handle.release());
  if (!server) {
    return machine.listen_failed(action.server, errno_of(server.error()));
  }
  Asked answered = std::move(found->second);
  asked.erase(found);
  listeners.emplace(action.server, answered.listener);
  if (!path) answered.listener->local = local;
  answered.listener->accept_from(std::move(*server));
  answered.listened(Listener(std::move(answered.listener)));
  machine.listening(action.server, port);
}

void Worker::State::failed(const WorkerAction& action) {
  const auto found = asked.find(action.server);
  if (found == asked.end()) return;
  Asked answered = std::move(found->second);
  asked.erase(found);
  if (answered.bound) {
    answered.bound(std::unexpected(*action.error));
  } else {
    answered.listened(std::unexpected(*action.error));
  }
}

void Worker::State::deliver(const WorkerAction& action) {
  net::Native handle = take_handle(action.handle);
  const auto found = listeners.find(action.server);
  const auto listener = found == listeners.end() ? nullptr : found->second.lock();
  const DescriptorKind kind = handle.kind();
  auto socket = net::Socket::adopt(process.loop(), handle.release(), kind);
  if (listener && socket) return listener->take(std::move(*socket));
  if (!socket)
    reports.report(Error(socket.error().code(), "a connection from the primary", socket.error().what()));
  machine.connection_closed(action.server);
}

void Worker::State::end(bool agreed) {
  if (!agreed || killing) return process.exit(0);
  left = true;
  process.parent().unref();
  settle_left();
}

void Worker::State::set_deadline() {
  watch_lag();
  const auto next = machine.next_deadline();
  if (!next || (deadline_at && *deadline_at <= *next)) return;
  deadline_at = next;
  const uint64_t wait = *next > now() ? *next - now() : 0;
  deadline = Timer(process.loop(), std::chrono::milliseconds(wait), [this] {
    deadline_at.reset();
    feed([] {});
  });
  deadline.unref();
}

}  // namespace baton::cluster
