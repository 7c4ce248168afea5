#include "process/cluster/cluster_test.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <sstream>

namespace baton::test {
namespace {

constexpr int patience = patience_seconds * 1000;

}  // namespace

Client::Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ADD_FAILURE() << "connect to " << port << ": " << std::generic_category().message(errno);
  }
}

Client::Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  // An abstract name, which begins with a NUL byte, ends where it ends.
  const size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (path.starts_with('\0') ? 0 : 1);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) !=
      0) {
    ADD_FAILURE() << "connect to " << path << ": " << std::generic_category().message(errno);
  }
}

Client Client::of_ipv6(uint16_t port) {
  Client client(Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  const int status =
      ::connect(client.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_EQ(status, 0) << "[::1]:" << port << ": " << std::generic_category().message(errno);
  return client;
}

void Client::send(std::string_view bytes) const {
  EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

void Client::get(std::string_view target, std::string_view headers) const {
  send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n");
}

bool Client::readable(int milliseconds) const {
  pollfd waiting{socket_.get(), POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) > 0;
}

std::string Client::until(std::string_view end) {
  while (true) {
    const auto found = end.empty() ? std::string::npos : partial_.find(end);
    if (found != std::string::npos) {
      std::string got = partial_.substr(0, found + end.size());
      partial_.erase(0, found + end.size());
      return got;
    }
    std::array<char, 4096> bytes;
    const ssize_t got = readable(patience) ? ::read(socket_.get(), bytes.data(), bytes.size()) : -1;
    if (got <= 0) {
      EXPECT_TRUE(end.empty() && got == 0) << "only this came: " << partial_;
      return std::exchange(partial_, {});
    }
    partial_.append(bytes.data(), static_cast<size_t>(got));
  }
}

std::string Client::answer() {
  head = until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  std::string body = until("\n");
  body.pop_back();
  return body;
}

std::string Client::rest() { return until({}); }

void Cluster::start(const std::vector<std::string>& arguments, const StartOptions& options) {
  primary = Program(built("cluster_peer"), arguments, options);
}

void Cluster::stop(std::string_view reports) {
  primary.say("leave");
  expect("all gone");
  EXPECT_EQ(primary.end(), "exit 0");
  for (const std::string& line : primary.errors.rest()) EXPECT_TRUE(line.starts_with(reports)) << line;
}

void Cluster::TearDown() {
  // The workers of a primary that dies end by themselves, stopped ones too when they go on.
  primary = Program();
}

void Cluster::expect(const std::string& line) {
  while (auto got = primary.output.next()) {
    if (*got == line) return;
  }
  FAIL() << "the primary does not say: " << line;
}

void Cluster::expect_that_it_is_gone(unsigned worker) {
  const std::string id = std::to_string(worker);
  for (;;) {
    primary.say("state " + id);
    const auto line = primary.output.next();
    ASSERT_TRUE(line) << "the primary says nothing";
    if (*line == "no worker " + id) return;
  }
}

std::string Cluster::expect_rest(const std::string& beginning) {
  while (auto got = primary.output.next()) {
    if (got->starts_with(beginning)) return got->substr(beginning.size());
  }
  ADD_FAILURE() << "the primary does not say: " << beginning;
  return {};
}

unsigned Cluster::fork_by(const std::string& verb) {
  primary.say(verb);
  const unsigned id = ++last_worker_;
  expect(std::to_string(id) + " online");
  return id;
}

uint16_t Cluster::order(unsigned worker, const std::string& json) {
  tell(worker, json);
  const std::string said = expect_rest(std::to_string(worker) + " says ");
  const auto colon = said.rfind(':');
  return colon == std::string::npos ? 0 : static_cast<uint16_t>(std::atoi(said.c_str() + colon + 1));
}

void Cluster::serve(unsigned count, const std::string& more) {
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(fork());
    port = order(workers.back(), R"({"do":"serve","port":0)" + more + "}");
    ASSERT_NE(port, 0);
  }
}

pid_t Cluster::pid_of(unsigned worker) {
  primary.say("state " + std::to_string(worker));
  return std::stoi(expect_rest(std::to_string(worker) + " pid "));
}

pid_t Cluster::ask() const {
  Client client(port);
  client.get("/", "Connection: close\r\n");
  return std::atoi(client.answer().c_str());
}

std::map<pid_t, int> Cluster::ask_many(int requests) const {
  std::map<pid_t, int> counts;
  for (int i = 0; i < requests; ++i) ++counts[ask()];
  return counts;
}

bool refuses(uint16_t port) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

long cpu_milliseconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return (user + system) * 1000 / ::sysconf(_SC_CLK_TCK);
}

}  // namespace baton::test
