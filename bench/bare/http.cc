// http PORT: the least that a server can do around epoll: one worker, keep-alive, a fixed answer to every
// request that ends. What Baton's server is measured against.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>

#include "support/measure.h"

namespace {

constexpr char answer[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n"
    "Connection: keep-alive\r\n"
    "Keep-Alive: timeout=5\r\n"
    "Content-Length: 23\r\n\r\n"
    "Hello World from 12345\n";

int listen_on(const char* port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 4096) != 0) {
    bench::die("listen");
  }
  return listener;
}

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

void accept_all(int epoll, int listener) {
  for (;;) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, connection);
  }
}

// The clients send one whole request at a time.
void serve(int connection) {
  char bytes[16384];
  const ssize_t got = read(connection, bytes, sizeof bytes);
  if (got <= 0) {
    close(connection);
    return;
  }
  if (!std::string_view(bytes, static_cast<size_t>(got)).ends_with("\r\n\r\n")) return;
  if (write(connection, answer, sizeof answer - 1) < 0) close(connection);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  const int listener = listen_on(argv[1]);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  epoll_event events[256];
  for (;;) {
    const int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener) {
        accept_all(epoll, listener);
      } else {
        serve(events[i].data.fd);
      }
    }
  }
}
