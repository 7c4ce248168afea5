#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/measure.h"
#include "support/processes.h"

/// What the programs share that measure a server from outside.
namespace bench {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// Below the ports that the kernel gives to connections.
inline uint16_t free_port() {
  for (int port = 20'000 + getpid() % 8'000; port < 32'000; ++port) {
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(static_cast<uint16_t>(port));
    const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (free) return static_cast<uint16_t>(port);
  }
  die("bind");
}

/// A connection to the port, as soon as somebody listens there.
inline int connect_to(uint16_t port) {
  constexpr double patience_us = 20e6;
  const sockaddr_in address = loopback(port);
  for (const double start = now_us(); now_us() < start + patience_us; usleep(1000)) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return connection;
    close(connection);
  }
  die("connect");
}

/// A server, started from a command line whose word PORT becomes a free port. Its output is our standard
/// error.
class Served {
 public:
  explicit Served(std::vector<std::string> command) : port_(free_port()), pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(2, 1);
    std::vector<char*> arguments;
    for (std::string& word : command) {
      if (word == "PORT") word = std::to_string(port_);
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    die(arguments[0]);
  }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The pid that the rest is about: `pin` and shells become the server, so it is the same.
  void end() const {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }

 private:
  uint16_t port_;
  pid_t pid_;
};

/// What stands after "--" on the command line; nothing if it is missing.
inline std::vector<std::string> command_after_dashes(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--") return {argv + i + 1, argv + argc};
  }
  return {};
}

/// The body of an answer as a number: the process that gave it, however the body is framed. 0 if there is
/// none.
inline pid_t answering_process(std::string_view answer) {
  const size_t head = answer.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  std::string body(answer.substr(head + 4));
  if (answer.substr(0, head).find("chunked") != std::string_view::npos) body.erase(0, body.find('\n') + 1);
  const size_t number = body.rfind("from ");
  return static_cast<pid_t>(std::atol(body.c_str() + (number == std::string::npos ? 0 : number + 5)));
}

}  // namespace bench
