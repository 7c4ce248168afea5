// Listeners that nobody can connect to any more: one of their workers has shut them down, or somebody has
// removed their file.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "cluster/primary_state.h"

namespace baton::cluster {
namespace {

constexpr unsigned most_file_looks = 4;
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
    std::fprintf(stderr, "baton: %s\n", watched.error().what());
  }
}

void Primary::State::on_shut(int descriptor) {
  const auto self = shared_from_this();
  for (auto& [id, open] : sockets) {
    const auto found = std::ranges::find_if(
        open, [&](const auto& entry) { return entry.second.socket.descriptor() == descriptor; });
    const auto listener = machine.listener(id);
    if (found == open.end() || !listener) continue;
    Socket& socket = found->second;
    const ShutDown how = revive(socket, *listener);
    if (how == ShutDown::listens_again && told_lately(socket)) return;
    socket.shut_told = now();
    return tell_shut(bound(*listener), how);
  }
}

bool Primary::State::told_lately(const Socket& socket) const {
  return socket.shut_told && now() < *socket.shut_told + tell_interval;
}

void Primary::State::tell_shut(const Listening& where, ShutDown how) {
  if (on_shut_down) return on_shut_down.fire(process.loop(), where, how);
  std::fprintf(stderr, "baton: %s %s\n", where.to_string().c_str(), std::string(describe(how)).c_str());
}

ShutDown Primary::State::revive(Socket& socket, const PrimaryMachine::Listener& listener) {
  const auto backlog =
      static_cast<int>(std::clamp<int64_t>(listener.backlog, 1, std::numeric_limits<int>::max()));
  if (net::revive_listener(socket.socket.descriptor(), backlog) != net::Revival::lost)
    return ShutDown::listens_again;
  socket.watched.stop();
  // What accepts here is told by its own errors; the port of a UDP socket stays taken as long as a worker has
  // it.
  if (socket.acceptor || listener.query.is_udp()) return ShutDown::lost;
  const auto anew =
      socket.socket.open_anew(process.loop(), listener.query, listener.sharing, listener.backlog);
  if (!anew) return ShutDown::lost;
  watch(socket);
  return ShutDown::opened_anew;
}

// Each look may take as long as the path is a maze; so no more than a few are made at a time, in turn.
void Primary::State::look_at_files(const std::string* asked_path) {
  if (turned_away) return;
  const auto self = shared_from_this();
  const bool asked = asked_path != nullptr;
  std::vector<std::pair<Listening, ShutDown>> news;
  bool any = false;
  unsigned looks = asked ? 1 : most_file_looks;
  const auto begin = sockets.upper_bound(asked ? 0 : file_looked_at);
  std::vector<ListenerId> order;
  for (auto one = begin; one != sockets.end(); ++one) order.push_back(one->first);
  for (auto one = sockets.begin(); one != begin; ++one) order.push_back(one->first);
  for (const ListenerId id : order) {
    const auto listener = machine.listener(id);
    const auto open = sockets.find(id);
    if (!listener || open == sockets.end()) continue;
    if (asked && listener->query.address != *asked_path) continue;
    for (auto& [slot, socket] : open->second) {
      any = any || socket.socket.has_file();
      if (!socket.socket.has_file() || looks == 0) continue;
      --looks;
      if (!asked) file_looked_at = id;
      if (!socket.socket.file_is_gone()) continue;
      const bool lost_before = socket.file_lost;
      const ShutDown how = make_file_anew(id, slot, socket, *listener, asked);
      if (how == ShutDown::file_lost ? lost_before : asked && told_lately(socket)) continue;
      socket.shut_told = now();
      news.emplace_back(bound(*listener), how);
    }
  }
  if (!asked && !any) files_timer.stop();
  for (const auto& [where, how] : news) {
    if (!shut) tell_shut(where, how);
  }
}

ShutDown Primary::State::make_file_anew(ListenerId id, unsigned slot, Socket& socket,
                                        const PrimaryMachine::Listener& listener, bool asked) {
  auto anew = socket.socket.another(process.loop(), listener.query, listener.sharing, listener.backlog);
  socket.file_lost = !anew;
  if (!anew) return ShutDown::file_lost;
  socket.watched.stop();
  ListenerSocket before = std::exchange(socket.socket, std::move(*anew));
  watch(socket);
  if (listener.sharing != Sharing::handed_over)
    return asked ? ShutDown::file_taken : ShutDown::file_opened_anew;
  // Who had connected already waits in the old one.
  if (socket.former_acceptor) socket.former_acceptor->close();
  socket.former_acceptor = std::exchange(socket.acceptor, nullptr);
  socket.former.emplace(std::move(before));
  accept_from(id, slot, socket);
  return ShutDown::file_made_anew;
}

}  // namespace baton::cluster
