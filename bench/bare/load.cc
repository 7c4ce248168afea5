// load [--new] REQUESTS CONNECTIONS CPU -- SERVER [ARG...]: starts SERVER (an argument PORT becomes a free
// port), waits until it listens, and asks it for REQUESTS answers over keep-alive connections from CPU, one
// request at a time on each; with --new, each request has a connection of its own, which the server ends.
// Prints what a request took of the clock and of the processor time of the server and its children.

#include <sys/epoll.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "support/client.h"
#include "support/served.h"

namespace {

constexpr char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
constexpr char last_request[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\nConnection: close\r\n\r\n";

using bench::Client;

void exchange(int epoll, std::vector<Client>& clients, long requests) {
  long asked = 0;
  for (Client& client : clients) {
    if (asked++ < requests) client.ask(request);
  }
  std::vector<epoll_event> events(clients.size());
  for (long answered = 0; answered < requests;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 10000);
    if (count <= 0) bench::die("no answer: epoll_wait");
    for (int i = 0; i < count; ++i) {
      Client& client = clients[events[static_cast<size_t>(i)].data.u32];
      if (!client.read_some()) continue;
      ++answered;
      if (asked++ < requests) client.ask(request);
    }
  }
}

/// So many requests, each on a connection of its own; `at_once` of them are under way.
class NewConnections {
 public:
  NewConnections(uint16_t port, int at_once) : address_(bench::loopback(port)), at_once_(at_once) {}

  void exchange(long requests) {
    left_ = requests;
    for (int i = 0; i < at_once_; ++i) begin();
    epoll_event events[256];
    for (long ended = 0; ended < requests;) {
      const int count = epoll_wait(epoll_, events, 256, 10000);
      if (count <= 0) bench::die("no answer: epoll_wait");
      for (int i = 0; i < count; ++i) {
        if (!over(events[i].data.fd)) continue;
        ++ended;
        begin();
      }
    }
  }

 private:
  void begin() {
    if (left_-- <= 0) return;
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    // The loopback has connected when this returns, whatever it says.
    if (connect(connection, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0 &&
        errno != EINPROGRESS)
      bench::die("connect");
    if (write(connection, last_request, sizeof last_request - 1) != sizeof last_request - 1)
      bench::die("write");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection, &event);
    whole_.resize(std::max(whole_.size(), static_cast<size_t>(connection) + 1));
    whole_[static_cast<size_t>(connection)] = false;
  }
  // Whether the server has ended this one. The answers are small and come in one piece.
  bool over(int connection) {
    char bytes[4096];
    const ssize_t got = read(connection, bytes, sizeof bytes);
    if (got < 0) bench::die("read");
    std::vector<bool>::reference whole = whole_[static_cast<size_t>(connection)];
    if (got > 0) {
      whole = std::string_view(bytes, static_cast<size_t>(got)).starts_with("HTTP/1.1 200");
      return false;
    }
    if (!whole) {
      std::fputs("load: a connection ended without an answer\n", stderr);
      std::exit(1);
    }
    close(connection);
    return true;
  }

  sockaddr_in address_;
  int at_once_;
  int epoll_ = epoll_create1(0);
  long left_ = 0;
  std::vector<bool> whole_;
};

/// Clock and processor time of what `exchange` does once the server is warm.
template <class Exchange>
void measure(const bench::Served& server, long requests, Exchange exchange) {
  exchange(requests / 10);
  const double cpu = bench::tree_cpu_us(server.pid());
  const double start = bench::now_us();
  exchange(requests);
  const double wall = bench::now_us() - start;
  const double used = bench::tree_cpu_us(server.pid()) - cpu;
  const auto n = static_cast<double>(requests);
  bench::print_figures({{"wall_us", wall / n}, {"cpu_us", used / n}, {"per_second", n / wall * 1e6}});
}

void keep_alive(const bench::Served& server, long requests, int connections) {
  const int epoll = epoll_create1(0);
  std::vector<Client> clients;
  for (uint32_t i = 0; i < static_cast<uint32_t>(connections); ++i) {
    clients.emplace_back(bench::connect_to(server.port()));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, clients.back().connection(), &event);
  }
  measure(server, requests, [&](long count) { exchange(epoll, clients, count); });
  for (const Client& client : clients) close(client.connection());
}

}  // namespace

int main(int argc, char** argv) {
  const bool with_new = argc > 1 && std::string_view(argv[1]) == "--new";
  char** const numbers = argv + (with_new ? 2 : 1);
  const auto command = bench::command_after_dashes(argc, argv);
  if (argc < (with_new ? 7 : 6) || command.empty()) return 2;
  const long requests = std::atol(numbers[0]);
  const int connections = std::atoi(numbers[1]);
  const bench::Served server(command);
  bench::pin(std::atoi(numbers[2]));
  if (with_new) {
    close(bench::connect_to(server.port()));
    NewConnections all(server.port(), connections);
    measure(server, requests, [&](long count) { all.exchange(count); });
  } else {
    keep_alive(server, requests, connections);
  }
  server.end();
}
