// handoff PORT WORKERS: the least that a primary can do that hands each connection to a worker, in turn: it
// accepts, sends the descriptor with a line of the length of Node's, and closes its own. What Baton's cluster
// is measured against. Nobody asks whether a worker took it: who dies takes along what was handed to it.

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "support/served.h"

namespace {

constexpr char frame[] =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"act\":\"newconn\",\"key\":\"0.0.0.0:8080:4:"
    "0::0\"}}\n";

constexpr std::string_view headers = "Content-Type: text/plain\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n";

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

class Worker {
 public:
  explicit Worker(int channel) : channel_(channel) {
    const std::string body = std::to_string(getpid()) + "\n";
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const std::string start = "HTTP/1.1 200 OK\r\n" + std::string(headers);
    kept_ = start + "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n" + length;
    last_ = start + "Connection: close\r\n" + length;
    watch(epoll_, channel_);
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == channel_) {
          take();
        } else {
          serve(events[i].data.fd);
        }
      }
    }
  }

 private:
  void take() {
    alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))];
    static char bytes[65536];
    for (;;) {
      iovec piece{bytes, sizeof bytes};
      msghdr message{};
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      const ssize_t got = recvmsg(channel_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (got == 0) _exit(0);
      if (got < 0) return;
      for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
           header = CMSG_NXTHDR(&message, header)) {
        const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
          int connection;
          std::memcpy(&connection, CMSG_DATA(header) + i * sizeof(int), sizeof connection);
          const int on = 1;
          setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          watch(epoll_, connection);
        }
      }
    }
  }
  // The clients send one whole request at a time.
  void serve(int connection) const {
    char bytes[16384];
    const ssize_t got = read(connection, bytes, sizeof bytes);
    const std::string_view request(bytes, got > 0 ? static_cast<size_t>(got) : 0);
    const bool last = request.find("Connection: close") != std::string_view::npos;
    const std::string& answer = last ? last_ : kept_;
    if (!request.ends_with("\r\n\r\n") || write(connection, answer.data(), answer.size()) < 0 || last)
      close(connection);
  }

  int channel_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::string kept_;
  std::string last_;
};

void hand_over(int channel, int connection) {
  iovec piece{const_cast<char*>(frame), sizeof frame - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &connection, sizeof connection);
  if (sendmsg(channel, &message, MSG_NOSIGNAL) != sizeof frame - 1) bench::die("sendmsg");
  close(connection);
}

int listen_on(const char* port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = bench::loopback(static_cast<uint16_t>(std::atoi(port)));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 4096) != 0)
    bench::die("listen");
  return listener;
}

int start_worker() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) bench::die("socketpair");
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    Worker(ends[1]).run();
  }
  close(ends[1]);
  return ends[0];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<int> channels;
  for (int left = std::atoi(argv[2]); left > 0; --left) channels.push_back(start_worker());
  const int listener = listen_on(argv[1]);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  for (size_t next = 0;;) {
    epoll_event event;
    if (epoll_wait(epoll, &event, 1, -1) <= 0) continue;
    int connection;
    while ((connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
      hand_over(channels[next++ % channels.size()], connection);
  }
}
