#include "supervisor/listen_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "baton/net/server.h"
#include "net/backlog.h"
#include "net/bound_stream.h"
#include "net/last_call.h"
#include "net/sockaddr.h"
#include "spawn/rights_linux.h"
#include "supervisor/given_sockets.h"

namespace baton::supervisor {
namespace {

constexpr int first_number = 3;
constexpr std::chrono::milliseconds file_patience(1000);
constexpr std::chrono::milliseconds backlog_patience(2000);
constexpr unsigned usual_shared_mode = 0660;

bool is_given(const ListenSocket& wanted) { return wanted.owner() || wanted.group(); }

std::string operation_of(const ListenSocket& wanted) {
  return (wanted.is_udp() ? "bind udp:" : "listen ") + wanted.endpoint().to_string();
}

Fd stream_for_workers(const ListenSocket& wanted, net::Endpoint& bound) {
  auto options = net::ListenOptions();
  if (is_given(wanted)) options.file_mode(usual_shared_mode);
  if (wanted.mode()) options.file_mode(wanted.mode());
  Fd socket = net::listening_stream(wanted.endpoint(), options);
  bound = net::local_endpoint(socket.get());
  return socket;
}

Fd bound_datagram(net::Endpoint& bound, const std::string& operation) {
  const net::SocketAddress address(bound);
  Fd socket(::socket(address.domain(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) throw Error(errno, operation, "socket");
  if (::bind(socket.get(), address.get(), address.length()) != 0) throw Error(errno, operation, "bind");
  bound = net::local_endpoint(socket.get());
  return socket;
}

struct FullBacklog {
  std::size_t index;
  net::Endpoint endpoint;
  unsigned waiting;
  std::optional<net::Waiting> who = {};
};

}  // namespace

ListenSockets::Open::Open(Fd opened, ListenSocket asked, net::Endpoint where)
    : socket(std::move(opened)), wanted(std::move(asked)), endpoint(std::move(where)) {
  if (endpoint.family() == -1) file = net::SocketFile(socket.get(), endpoint.path());
}

Result<ListenSockets::Open> ListenSockets::open_one(const ListenSocket& wanted) {
  const std::string operation = operation_of(wanted);
  try {
    net::Endpoint bound = wanted.endpoint();
    Fd socket;
    // The file is theirs from the first moment: who may write into the folder may put another one there
    // meanwhile.
    const auto open = [&]() -> Result<void> {
      socket = wanted.is_udp() ? bound_datagram(bound, operation) : stream_for_workers(wanted, bound);
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

Result<ListenSockets> ListenSockets::open(const std::vector<ListenSocket>& wanted) {
  ListenSockets opened;
  std::vector<GivenSocket> given = given_sockets();
  for (const ListenSocket& one : wanted) {
    if (Fd socket = take_given(given, one)) {
      opened.add_given(std::move(socket), one);
      continue;
    }
    auto socket = open_one(one);
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

std::vector<std::string> ListenSockets::stuck(Loop& loop, Time now) {
  std::vector<std::string> addresses;
  auto full = std::make_shared<std::vector<FullBacklog>>();
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    Open& one = sockets_[i];
    const auto backlog = net::backlog_of(one.socket.get());
    if (backlog && backlog->waiting > 0 && backlog->full()) {
      full->push_back({i, one.endpoint, backlog->waiting});
    } else if (backlog) {
      one.backlog.seen(backlog->waiting, now);
    }
    if (one.backlog.stuck()) addresses.push_back(one.endpoint.to_string());
  }
  if (full->empty() || backlog_look_) return addresses;
  const auto job = [full] {
    for (FullBacklog& one : *full) one.who = net::who_waits_at(one.endpoint);
  };
  const auto done = [this, full, now](const Result<void>& in_time) {
    // What the thread has is still its own.
    if (!in_time) return;
    for (FullBacklog& one : *full)
      sockets_[one.index].backlog.seen_full(one.waiting, std::move(one.who), now);
  };
  backlog_look_ = spawner::Look(loop, backlog_lane_, backlog_patience, job, done);
  backlog_look_.unref();
  return addresses;
}

bool ListenSockets::somebody_waits() const noexcept {
  return std::ranges::any_of(sockets_, [](const Open& one) {
    return !one.given && !one.wanted.is_udp() && net::somebody_waits(one.socket.get());
  });
}

void ListenSockets::remove_files() {
  look_ = {};
  for (Open& one : sockets_) one.file.remove();
}

void ListenSockets::watch_with(net::ListenerWatch& watch) {
  for (Open& one : sockets_) {
    // Without descriptors to spare it goes unwatched.
    if (one.wanted.is_udp()) continue;
    if (auto watched = watch.watch(one.socket.get())) one.watched = std::move(*watched);
  }
}

void ListenSockets::revive(Loop& loop, int descriptor, net::ListenerWatch& watch, const Tell& tell) {
  using cluster::ShutDown;
  const auto found =
      std::ranges::find_if(sockets_, [&](const Open& one) { return one.socket.get() == descriptor; });
  if (found == sockets_.end()) return;
  const std::string address = found->endpoint.to_string();
  if (net::revive_listener(descriptor, net::ListenOptions().backlog()) != net::Revival::lost)
    return tell(address, ShutDown::listens_again);
  found->watched.stop();
  if (found->endpoint.family() == -1) {
    if (!found->file) return tell(address, ShutDown::lost);
    found->dead = true;
    return look_at_files(loop, watch, tell);
  }
  found->socket.reset();
  auto anew = open_one(once_more(*found));
  if (anew) put_in_place(*found, std::move(*anew), watch);
  tell(address, anew ? ShutDown::opened_anew : ShutDown::lost);
}

void ListenSockets::look_at_files(Loop& loop, net::ListenerWatch& watch, Tell tell) {
  using cluster::ShutDown;
  struct Looked {
    std::size_t index;
    net::SocketPlace place;
    bool dead;
    ListenSocket wanted;
    std::optional<Result<Open>> anew = {};
  };
  const auto all = std::make_shared<std::vector<Looked>>();
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    const Open& one = sockets_[i];
    if (one.file) all->push_back({i, one.file.place(), one.dead, once_more(one)});
  }
  if (all->empty()) return;
  const auto job = [all] {
    for (Looked& one : *all) {
      // A dead socket is better than none to start workers with, but its file is in the way.
      if (one.dead) one.place.remove_file();
      if (one.dead || one.place.is_gone()) one.anew = open_one(one.wanted);
    }
  };
  const auto done = [this, all, &watch, tell = std::move(tell)](const Result<void>& in_time) {
    for (Open& one : sockets_) {
      if (!in_time && one.dead && !std::exchange(one.loss_told, true))
        tell(one.endpoint.to_string(), ShutDown::lost);
    }
    // What the thread has is still its own.
    if (!in_time) return;
    for (Looked& one : *all) {
      Open& socket = sockets_[one.index];
      if (!one.anew) continue;
      const std::string address = socket.endpoint.to_string();
      if (one.anew->has_value()) {
        put_in_place(socket, std::move(**one.anew), watch);
        tell(address, one.dead ? ShutDown::opened_anew : ShutDown::file_opened_anew);
      } else if (!std::exchange(one.dead ? socket.loss_told : socket.file_loss_told, true)) {
        tell(address, one.dead ? ShutDown::lost : ShutDown::file_lost);
      }
    }
  };
  look_ = spawner::Look(loop, lane_, file_patience, job, done);
  look_.unref();
}

ListenSocket ListenSockets::once_more(const Open& socket) {
  ListenSocket wanted(socket.wanted.name(), socket.endpoint);
  if (socket.wanted.mode()) wanted.mode(*socket.wanted.mode());
  if (socket.wanted.owner()) wanted.owner(*socket.wanted.owner());
  if (socket.wanted.group()) wanted.group(*socket.wanted.group());
  return wanted;
}

void ListenSockets::put_in_place(Open& socket, Open anew, net::ListenerWatch& watch) {
  socket.watched.stop();
  socket.file.forget();  // it is gone
  socket = std::move(anew);
  if (auto watched = watch.watch(socket.socket.get())) socket.watched = std::move(*watched);
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
