#include "models/plain.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "models/messages.h"
#include "models/service.h"

namespace models {
namespace {

using baton::Error;
using baton::Fd;

Fd listen_on_any_port() {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 4096) != 0) {
    throw Error(errno, "listen on 127.0.0.1");
  }
  return listener;
}

int64_t port_of(const Fd& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool write_all(const Fd& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(connection.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

baton::Task<Plain> begin_plain(baton::Process& self) {
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  std::signal(SIGINT, SIG_IGN);
  const auto message = co_await self.parent().next_message();
  if (!message) co_return Plain();
  const Order order = message->as<Order>().value();
  Plain plain(listen_on_any_port(), std::chrono::milliseconds(order.wait_ms), static_cast<int>(order.limit));
  const Listening listening{.port = port_of(plain.listener())};
  self.parent().send(listening);
  // From here on nobody runs the loop.
  co_await self.parent().flushed();
  co_return plain;
}

Fd accept_one(const Fd& listener) {
  for (;;) {
    Fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) {
      const int on = 1;
      ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return connection;
    }
    // A client that has gone again is no matter; without descriptors there will be some when others end.
    if (errno != EINTR && errno != ECONNABORTED) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void serve_to_the_end(const Fd& connection, std::chrono::milliseconds wait) {
  Request request;
  char bytes[4096];
  for (;;) {
    const ssize_t got = ::read(connection.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || !request.add(std::string_view(bytes, static_cast<std::size_t>(got)))) return;
    if (!request.complete()) continue;
    if (wait.count() > 0) std::this_thread::sleep_for(wait);
    if (!write_all(connection, answer) || request.is_last()) return;
    request.clear();
  }
}

void say_full(std::string_view model, int limit, std::string_view what) {
  static bool said = false;
  if (std::exchange(said, true)) return;
  std::fprintf(stderr, "models: %.*s has %d %.*s and takes no more: whoever comes now waits\n",
               static_cast<int>(model.size()), model.data(), limit, static_cast<int>(what.size()),
               what.data());
}

}  // namespace models
