#include "supervisor/listen_sockets.h"

#include <fcntl.h>

#include <cerrno>

#include "baton/net/server.h"

namespace baton::supervisor {
namespace {

constexpr int first_number = 3;

}  // namespace

Result<ListenSockets> ListenSockets::open(Loop& loop, const std::vector<ListenSocket>& wanted) {
  ListenSockets opened;
  for (const ListenSocket& one : wanted) {
    try {
      net::Server server = net::listen(loop, one.endpoint());
      opened.addresses_.push_back(server.local().to_string());
      Fd socket = server.release();
      // Most programs that take such sockets expect what systemd gives by default: one that blocks.
      const int flags = ::fcntl(socket.get(), F_GETFL);
      if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
        return failure(errno, "listen " + one.endpoint().to_string(), "fcntl");
      }
      opened.sockets_.push_back(std::move(socket));
    } catch (const Error& error) {
      return std::unexpected(error);
    }
    opened.names_ += (opened.sockets_.size() == 1 ? "" : ":") + one.name();
  }
  return opened;
}

void ListenSockets::hand_to(ForkOptions& how) const {
  SpawnOptions spawn = how.spawn();
  if (sockets_.empty()) {
    for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) spawn.remove_env(name);
    how.spawn(std::move(spawn));
    return;
  }
  int number = first_number;
  for (const Fd& socket : sockets_) spawn.pass(socket.get(), number++);
  spawn.add_env("LISTEN_FDS", std::to_string(sockets_.size()))
      .add_env("LISTEN_FDNAMES", names_)
      .pid_variable("LISTEN_PID");
  how.spawn(std::move(spawn));
  how.channel_number(number);
}

}  // namespace baton::supervisor
