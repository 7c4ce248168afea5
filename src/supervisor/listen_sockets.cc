#include "supervisor/listen_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "baton/net/server.h"
#include "net/backlog.h"
#include "net/last_call.h"
#include "net/sockaddr.h"
#include "spawn/rights_linux.h"
#include "supervisor/given_sockets.h"

namespace baton::supervisor {
namespace {

constexpr int first_number = 3;
constexpr unsigned usual_shared_mode = 0660;

bool is_given(const ListenSocket& wanted) { return wanted.owner() || wanted.group(); }

std::string operation_of(const ListenSocket& wanted) {
  return (wanted.is_udp() ? "bind udp:" : "listen ") + wanted.endpoint().to_string();
}

Fd listening_stream(Loop& loop, const ListenSocket& wanted, net::Endpoint& bound) {
  auto options = net::ListenOptions();
  if (is_given(wanted)) options.file_mode(usual_shared_mode);
  if (wanted.mode()) options.file_mode(wanted.mode());
  net::Server server = net::listen(loop, wanted.endpoint(), options);
  bound = server.local();
  return server.release();
}

Fd bound_datagram(net::Endpoint& bound, const std::string& operation) {
  const net::SocketAddress address(bound);
  Fd socket(::socket(address.domain(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) throw Error(errno, operation, "socket");
  if (::bind(socket.get(), address.get(), address.length()) != 0) throw Error(errno, operation, "bind");
  bound = net::local_endpoint(socket.get());
  return socket;
}

}  // namespace

ListenSockets::Open::Open(Fd opened, ListenSocket asked, net::Endpoint where)
    : socket(std::move(opened)), wanted(std::move(asked)), endpoint(std::move(where)) {
  if (endpoint.family() == -1) file = net::SocketFile(endpoint.path());
}

Result<ListenSockets::Open> ListenSockets::open_one(Loop& loop, const ListenSocket& wanted) {
  const std::string operation = operation_of(wanted);
  try {
    net::Endpoint bound = wanted.endpoint();
    Fd socket;
    // The file is theirs from the first moment: who may write into the folder may put another one there
    // meanwhile.
    const auto open = [&]() -> Result<void> {
      socket = wanted.is_udp() ? bound_datagram(bound, operation) : listening_stream(loop, wanted, bound);
      return {};
    };
    const auto made =
        is_given(wanted) ? spawner::Rights::as_owner(wanted.owner(), wanted.group(), open) : open();
    if (!made) return failure(made.error().code().value(), operation, "chown");
    // Most programs that take such sockets expect what systemd gives by default: one that blocks.
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
      return failure(errno, operation, "fcntl");
    }
    return Open(std::move(socket), wanted, std::move(bound));
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

Result<ListenSockets> ListenSockets::open(Loop& loop, const std::vector<ListenSocket>& wanted) {
  ListenSockets opened;
  std::vector<GivenSocket> given = given_sockets();
  for (const ListenSocket& one : wanted) {
    if (Fd socket = take_given(given, one)) {
      opened.add_given(std::move(socket), one);
      continue;
    }
    auto socket = open_one(loop, one);
    if (!socket) {
      opened.remove_files();
      return std::unexpected(socket.error());
    }
    opened.add(std::move(*socket));
  }
  // Whoever wants none in particular takes what there is.
  if (!wanted.empty()) {
    for (GivenSocket& one : given) opened.given_beside_.push_back(std::move(one.socket));
    return opened;
  }
  for (GivenSocket& one : given) opened.add_given(std::move(one.socket), one.what);
  return opened;
}

void ListenSockets::add(Open socket) {
  addresses_.push_back(socket.endpoint.to_string() + (socket.wanted.is_udp() ? " (udp)" : ""));
  names_ += (sockets_.empty() ? "" : ":") + socket.wanted.name();
  sockets_.push_back(std::move(socket));
}

void ListenSockets::add_given(Fd socket, const ListenSocket& what) {
  net::Endpoint bound = net::local_endpoint(socket.get());
  Open given(std::move(socket), what, std::move(bound));
  given.file.forget();  // it is theirs who made it
  given.given = true;
  add(std::move(given));
}

std::vector<int> ListenSockets::descriptors() const {
  std::vector<int> numbers;
  for (const Open& one : sockets_) {
    if (one.given || one.endpoint.family() != -1) numbers.push_back(one.socket.get());
  }
  for (const Fd& one : given_beside_) numbers.push_back(one.get());
  return numbers;
}

void ListenSockets::turn_newcomers_away() noexcept {
  remove_files();
  for (const Open& one : sockets_) {
    if (!one.given) net::turn_newcomers_away(one.socket.get());
  }
}

std::vector<std::string> ListenSockets::stuck(Time now) {
  std::vector<std::string> addresses;
  for (Open& one : sockets_) {
    if (const auto backlog = net::backlog_of(one.socket.get())) {
      one.backlog.seen(backlog->waiting, backlog->full(), now);
    }
    if (one.backlog.stuck()) addresses.push_back(one.endpoint.to_string());
  }
  return addresses;
}

bool ListenSockets::somebody_waits() const noexcept {
  return std::ranges::any_of(sockets_, [](const Open& one) {
    return !one.given && !one.wanted.is_udp() && net::somebody_waits(one.socket.get());
  });
}

void ListenSockets::remove_files() {
  for (Open& one : sockets_) one.file.remove();
}

void ListenSockets::watch_with(net::ListenerWatch& watch) {
  for (Open& one : sockets_) {
    // Without descriptors to spare it goes unwatched.
    if (one.wanted.is_udp()) continue;
    if (auto watched = watch.watch(one.socket.get())) one.watched = std::move(*watched);
  }
}

std::optional<std::pair<std::string, cluster::ShutDown>> ListenSockets::revive(Loop& loop, int descriptor,
                                                                               net::ListenerWatch& watch) {
  using cluster::ShutDown;
  const auto found =
      std::ranges::find_if(sockets_, [&](const Open& one) { return one.socket.get() == descriptor; });
  if (found == sockets_.end()) return std::nullopt;
  const std::string address = found->endpoint.to_string();
  if (net::revive_listener(descriptor, net::ListenOptions().backlog()) != net::Revival::lost) {
    return std::pair(address, ShutDown::listens_again);
  }
  found->watched.stop();
  found->file.remove();
  // The name of a path is free again, and a dead socket is better than none to start workers with.
  if (found->endpoint.family() != -1) found->socket.reset();
  return std::pair(address, open_anew(loop, *found, watch) ? ShutDown::opened_anew : ShutDown::lost);
}

std::vector<std::pair<std::string, cluster::ShutDown>> ListenSockets::look_at_files(
    Loop& loop, net::ListenerWatch& watch) {
  using cluster::ShutDown;
  std::vector<std::pair<std::string, ShutDown>> news;
  for (Open& one : sockets_) {
    if (!one.file.is_gone()) continue;
    if (open_anew(loop, one, watch)) {
      news.emplace_back(one.endpoint.to_string(), ShutDown::file_opened_anew);
    } else if (!std::exchange(one.file_lost, true)) {
      news.emplace_back(one.endpoint.to_string(), ShutDown::file_lost);
    }
  }
  return news;
}

bool ListenSockets::open_anew(Loop& loop, Open& socket, net::ListenerWatch& watch) {
  ListenSocket wanted(socket.wanted.name(), socket.endpoint);
  if (socket.wanted.mode()) wanted.mode(*socket.wanted.mode());
  if (socket.wanted.owner()) wanted.owner(*socket.wanted.owner());
  if (socket.wanted.group()) wanted.group(*socket.wanted.group());
  auto anew = open_one(loop, wanted);
  if (!anew) return false;
  socket.watched.stop();
  socket = std::move(*anew);
  if (auto watched = watch.watch(socket.socket.get())) socket.watched = std::move(*watched);
  return true;
}

void ListenSockets::hand_to(ForkOptions& how) const {
  SpawnOptions spawn = how.spawn();
  if (sockets_.empty()) {
    for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) spawn.remove_env(name);
    how.spawn(std::move(spawn));
    return;
  }
  int number = first_number;
  for (const Open& one : sockets_) spawn.pass(one.socket.get(), number++);
  spawn.add_env("LISTEN_FDS", std::to_string(sockets_.size()))
      .add_env("LISTEN_FDNAMES", names_)
      .pid_variable("LISTEN_PID");
  how.spawn(std::move(spawn));
  how.channel_number(number);
}

}  // namespace baton::supervisor
