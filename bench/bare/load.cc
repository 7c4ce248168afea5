// load REQUESTS CONNECTIONS CPU -- SERVER [ARG...]: starts SERVER (an argument PORT becomes a free port),
// waits until it listens, and asks it for REQUESTS answers over keep-alive connections from CPU, one request
// at a time on each. Prints what a request took of the clock and of the processor time of the server and its
// children.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/measure.h"

namespace {

constexpr char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
constexpr double patience_us = 10e6;

sockaddr_in local(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = local(0);
  socklen_t length = sizeof address;
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), length) != 0) bench::die("bind");
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length);
  close(probe);
  return ntohs(address.sin_port);
}

pid_t start_server(std::vector<std::string> command, uint16_t port) {
  const pid_t server = fork();
  if (server != 0) return server;
  dup2(2, 1);
  std::vector<char*> arguments;
  for (std::string& word : command) {
    if (word == "PORT") word = std::to_string(port);
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  bench::die(arguments[0]);
}

int connect_to(uint16_t port) {
  const sockaddr_in address = local(port);
  for (const double start = bench::now_us(); bench::now_us() < start + patience_us; usleep(1000)) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return connection;
    close(connection);
  }
  bench::die("connect");
}

/// Nanoseconds on a processor of a process and all its descendants, exact while they sleep.
double tree_cpu_us(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  double ns = 0;
  std::ifstream(folder + "/schedstat") >> ns;
  double sum = ns / 1e3;
  std::ifstream children(folder + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; children >> child;) sum += tree_cpu_us(child);
  return sum;
}

/// One keep-alive connection: how much of an answer is still to come.
class Client {
 public:
  explicit Client(int connection) : connection_(connection) {}
  [[nodiscard]] int connection() const { return connection_; }
  void ask() const {
    if (write(connection_, request, sizeof request - 1) != sizeof request - 1) bench::die("write");
  }
  /// Whether an answer is complete now.
  bool read_some() {
    char bytes[4096];
    const ssize_t got = read(connection_, bytes, sizeof bytes);
    if (got <= 0) bench::die("the server closed a connection: read");
    answer_.append(bytes, static_cast<size_t>(got));
    const size_t head = answer_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (length_ == 0) length_ = head + 4 + content_length(head);
    if (answer_.size() < length_) return false;
    if (!answer_.starts_with("HTTP/1.1 200")) {
      std::fprintf(stderr, "load: not the answer that was expected: %s\n", answer_.c_str());
      std::exit(1);
    }
    answer_.clear();
    length_ = 0;
    return true;
  }

 private:
  [[nodiscard]] size_t content_length(size_t head) const {
    for (const char* name : {"Content-Length: ", "content-length: "}) {
      const size_t at = answer_.find(name);
      if (at < head) return std::strtoul(answer_.c_str() + at + 16, nullptr, 10);
    }
    std::fputs("load: an answer without Content-Length\n", stderr);
    std::exit(1);
  }
  int connection_;
  std::string answer_;
  size_t length_ = 0;
};

void exchange(int epoll, std::vector<Client>& clients, long requests) {
  long asked = 0;
  for (Client& client : clients) {
    if (asked++ < requests) client.ask();
  }
  std::vector<epoll_event> events(clients.size());
  for (long answered = 0; answered < requests;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 10000);
    if (count <= 0) bench::die("no answer: epoll_wait");
    for (int i = 0; i < count; ++i) {
      Client& client = clients[events[static_cast<size_t>(i)].data.u32];
      if (!client.read_some()) continue;
      ++answered;
      if (asked++ < requests) client.ask();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6 || std::string_view(argv[4]) != "--") return 2;
  const long requests = std::atol(argv[1]);
  const uint16_t port = free_port();
  const pid_t server = start_server({argv + 5, argv + argc}, port);
  bench::pin(std::atoi(argv[3]));
  const int epoll = epoll_create1(0);
  std::vector<Client> clients;
  for (uint32_t i = 0; i < static_cast<uint32_t>(std::atoi(argv[2])); ++i) {
    clients.emplace_back(connect_to(port));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, clients.back().connection(), &event);
  }
  exchange(epoll, clients, requests / 10);
  const double cpu = tree_cpu_us(server);
  const double start = bench::now_us();
  exchange(epoll, clients, requests);
  const double wall = bench::now_us() - start;
  const double used = tree_cpu_us(server) - cpu;
  kill(server, SIGTERM);
  for (const Client& client : clients) close(client.connection());
  waitpid(server, nullptr, 0);
  const auto n = static_cast<double>(requests);
  bench::print_figures({{"wall_us", wall / n}, {"cpu_us", used / n}, {"per_second", n / wall * 1e6}});
}
