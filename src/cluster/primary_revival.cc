// Listeners that nobody can connect to any more: one of their workers has shut them down, or somebody has
// removed their file.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cluster/primary_state.h"

namespace baton::cluster {
namespace {

constexpr std::size_t most_file_looks = 4;
constexpr std::chrono::milliseconds file_patience(1000);
constexpr Milliseconds tell_interval = 1000;

}  // namespace

std::string_view describe(ShutDown how) noexcept {
  switch (how) {
    case ShutDown::listens_again:
      return "was shut down by who shares it and listens again";
    case ShutDown::opened_anew:
      return "was shut down by who shares it and was opened anew: workers that have the old socket get "
             "nothing more";
    case ShutDown::file_made_anew:
      return "had lost its file, which was made anew";
    case ShutDown::file_opened_anew:
      return "had lost its file and was opened anew: workers that have the old socket get nothing more";
    case ShutDown::file_taken:
      return "had its file removed by a worker, which got a new one: workers that have the old socket get "
             "nothing more";
    case ShutDown::file_lost:
      return "has lost its file, which cannot be made anew: nobody can connect";
    case ShutDown::lost:
      break;
  }
  return "was shut down by who shares it and stays so until the service is started anew";
}

void Primary::State::watch(Socket& socket) {
  auto watched = listener_watch.watch(socket.socket.descriptor());
  if (watched) {
    socket.watched = std::move(*watched);
  } else {
    process.loop().report(watched.error().what());
  }
}

void Primary::State::on_shut(int descriptor) {
  const auto self = shared_from_this();
  for (auto& [id, open] : sockets) {
    const auto found = std::ranges::find_if(
        open, [&](const auto& entry) { return entry.second.socket.descriptor() == descriptor; });
    const auto listener = machine.listener(id);
    if (found != open.end() && listener) return revive(id, found->first, found->second, *listener);
  }
}

bool Primary::State::told_lately(const Socket& socket) const {
  return socket.shut_told && now() < *socket.shut_told + tell_interval;
}

void Primary::State::tell_shut(const Listening& where, ShutDown how) {
  if (on_shut_down) return on_shut_down.fire(process.loop(), where, how);
  process.loop().report(where.to_string() + " " + std::string(describe(how)));
}

void Primary::State::revive(ListenerId id, unsigned slot, Socket& socket,
                            const PrimaryMachine::Listener& listener) {
  const auto tell = [&](ShutDown how) {
    socket.shut_told = now();
    tell_shut(bound(listener), how);
  };
  const auto backlog =
      static_cast<int>(std::clamp<int64_t>(listener.backlog, 1, std::numeric_limits<int>::max()));
  if (net::revive_listener(socket.socket.descriptor(), backlog) != net::Revival::lost) {
    if (!told_lately(socket)) tell(ShutDown::listens_again);
    return;
  }
  socket.watched.stop();
  // What accepts here is told by its own errors; the port of a UDP socket stays taken as long as a worker has
  // it.
  if (socket.acceptor || listener.query.is_udp()) return tell(ShutDown::lost);
  if (socket.socket.has_file()) {
    socket.dead = true;
    return look_at_file(id, slot, Why::dead);
  }
  if (!socket.socket.open_anew(listener.query, listener.sharing, listener.backlog))
    return tell(ShutDown::lost);
  watch(socket);
  tell(ShutDown::opened_anew);
}

// Each look may take as long as the path is a maze; so no more than a few are made at a time, in turn.
void Primary::State::look_at_files() {
  if (turned_away) return;
  std::vector<std::pair<ListenerId, unsigned>> order;
  const auto begin = sockets.upper_bound(file_looked_at);
  const auto add = [&](const auto& entry) {
    for (const auto& [slot, socket] : entry.second) {
      if (socket.socket.has_file()) order.emplace_back(entry.first, slot);
    }
  };
  std::for_each(begin, sockets.end(), add);
  std::for_each(sockets.begin(), begin, add);
  if (order.empty()) return files_timer.stop();
  order.resize(std::min(order.size(), most_file_looks));
  for (const auto& [id, slot] : order) look_at_file(id, slot, Why::time);
  file_looked_at = order.back().first;
}

void Primary::State::look_at_file(ListenerId id, unsigned slot, Why why, Callback then) {
  const auto [entry, first] = file_looks.try_emplace({id, slot});
  FileLook& one = entry->second;
  Socket& socket = sockets.at(id).at(slot);
  if (then) one.then.push_back(std::move(then));
  one.why = std::max(one.why, socket.dead ? Why::dead : why);
  if (!first && why != Why::dead) return;
  struct Seen {
    net::SocketPlace place;
    std::function<void()> removal;
    std::function<Result<ListenerSocket>()> open;
    std::optional<Result<ListenerSocket>> anew = {};
  };
  const auto listener = machine.listener(id);
  const auto seen = std::make_shared<Seen>();
  seen->place = socket.socket.place();
  if (socket.dead) seen->removal = socket.socket.file_removal();
  seen->open = [query = listener->query, sharing = listener->sharing, backlog = listener->backlog,
                rights = socket.socket.rights()] {
    return ListenerSocket::open(query, sharing, backlog, rights);
  };
  one.look = spawner::Look(
      process.loop(), socket.looks, file_patience,
      [seen] {
        if (seen->removal) {
          seen->removal();
        } else if (!seen->place.is_gone()) {
          return;
        }
        seen->anew = seen->open();
      },
      [this, seen, id, slot](const Result<void>& in_time) {
        const auto self = shared_from_this();
        FileLook over = std::move(file_looks.extract({id, slot}).mapped());
        for (Callback& next : over.then) process.loop().defer(std::move(next));
        if (in_time && seen->anew) return made_anew(id, slot, over.why, std::move(*seen->anew));
        if (!in_time && over.why == Why::dead)
          made_anew(id, slot, over.why, std::unexpected(in_time.error()));
      });
  if (why == Why::time) one.look.unref();
}

void Primary::State::made_anew(ListenerId id, unsigned slot, Why why, Result<ListenerSocket> anew) {
  const auto listener = machine.listener(id);
  const auto open = sockets.find(id);
  const auto found = open == sockets.end() ? Sockets::iterator() : open->second.find(slot);
  if (!listener || open == sockets.end() || found == open->second.end() || turned_away) {
    if (anew) close_aside(*anew, nobodys_lane);
    return;
  }
  Socket& socket = found->second;
  const bool lost_before = std::exchange(socket.lost, !anew);
  ShutDown how = why == Why::dead ? ShutDown::lost : ShutDown::file_lost;
  if (anew) how = put_in_place(id, slot, why, socket, *listener, std::move(*anew));
  if (anew ? told_lately(socket) : lost_before) return;
  socket.shut_told = now();
  tell_shut(bound(*listener), how);
}

ShutDown Primary::State::put_in_place(ListenerId id, unsigned slot, Why why, Socket& socket,
                                      const PrimaryMachine::Listener& listener, ListenerSocket anew) {
  socket.watched.stop();
  ListenerSocket before = std::exchange(socket.socket, std::move(anew));
  socket.dead = false;
  watch(socket);
  if (listener.sharing != Sharing::handed_over) {
    close_aside(before, socket.removals);
    if (why == Why::dead) return ShutDown::opened_anew;
    return why == Why::asked ? ShutDown::file_taken : ShutDown::file_opened_anew;
  }
  // Who had connected already waits in the old one.
  if (socket.former_acceptor) socket.former_acceptor->close();
  socket.former_acceptor = std::exchange(socket.acceptor, nullptr);
  if (socket.former) close_aside(*socket.former, socket.removals);
  socket.former.emplace(std::move(before));
  accept_from(id, slot, socket);
  return ShutDown::file_made_anew;
}

}  // namespace baton::cluster
