#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "baton/base/fd.h"

namespace baton::test {

/// Clients of a port of 127.0.0.1, each with a connection for each request, one after the other, until one is
/// refused: then its service has ended. Who is let in and gets no answer is lost.
class Visitors {
 public:
  explicit Visitors(uint16_t port, unsigned clients = 8) : port_(port) {
    for (unsigned i = 0; i < clients; ++i) threads_.emplace_back([this] { visit(); });
  }
  /// Waits until all were refused.
  void wait() {
    for (std::thread& one : threads_) one.join();
    threads_.clear();
  }
  ~Visitors() { wait(); }
  Visitors(const Visitors&) = delete;
  Visitors& operator=(const Visitors&) = delete;

  [[nodiscard]] unsigned answered() const { return answered_; }
  [[nodiscard]] unsigned lost() const { return lost_; }

 private:
  void visit() {
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (;;) {
      const Fd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in place{};
      place.sin_family = AF_INET;
      place.sin_port = htons(port_);
      place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0) return;
      std::string answer;
      char piece[4096];
      if (::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        for (ssize_t got = 0; (got = ::recv(connection.get(), piece, sizeof(piece), 0)) > 0;) {
          answer.append(piece, static_cast<size_t>(got));
        }
      }
      ++(answer.starts_with("HTTP/1.1 200") ? answered_ : lost_);
    }
  }

  uint16_t port_;
  std::atomic<unsigned> answered_ = 0;
  std::atomic<unsigned> lost_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace baton::test
