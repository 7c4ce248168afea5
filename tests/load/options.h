#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

namespace baton::load {

/// What is asked for, and how.
class Options {
 public:
  using Time = std::chrono::microseconds;

  /// An IPv4 address and a port.
  Options& at(std::string address, std::uint16_t port) {
    return address_ = std::move(address), port_ = port, *this;
  }
  /// Every request asks for it, with a token of its own: `PATH?t=TOKEN`.
  Options& path(std::string path) { return path_ = std::move(path), *this; }
  /// So many requests are under way at any time, each client's next after its last (default 32).
  Options& clients(unsigned count) { return clients_ = count, *this; }
  /// Instead: so many requests a second, however the answers come; at most `most_at_once` are under way, and
  /// what is due beyond that is not asked later.
  Options& rate(double per_second, unsigned most_at_once = 4000) {
    return rate_ = per_second, clients_ = most_at_once, *this;
  }
  /// Ends when so many requests have been sent out; default: only with `stop` or the time.
  Options& requests(std::uint64_t count) { return requests_ = count, *this; }
  Options& duration(Time time) { return duration_ = time, *this; }
  /// Requests follow one another on one connection as long as the server keeps it; otherwise each has its
  /// own.
  Options& keep_alive(bool on = true) { return keep_alive_ = on, *this; }
  /// A client waits for a random time up to this before its next request.
  Options& think(Time longest) { return think_ = longest, *this; }
  /// A new connection is silent for a random time up to this before its request is sent.
  Options& silent(Time longest, Time shortest = Time(0)) {
    return silent_ = longest, shortest_silence_ = shortest, *this;
  }
  /// Without a whole answer for so long a request counts as hung, and is given up (default 3 s).
  Options& patience(Time time) { return patience_ = time, *this; }
  Options& seed(std::uint64_t seed) { return seed_ = seed, *this; }

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] unsigned clients() const { return clients_; }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] Time duration() const { return duration_; }
  [[nodiscard]] bool keeps_alive() const { return keep_alive_; }
  [[nodiscard]] Time think() const { return think_; }
  [[nodiscard]] Time silent() const { return silent_; }
  [[nodiscard]] Time shortest_silence() const { return shortest_silence_; }
  [[nodiscard]] Time patience() const { return patience_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  std::string address_ = "127.0.0.1";
  std::uint16_t port_ = 8080;
  std::string path_ = "/";
  unsigned clients_ = 32;
  double rate_ = 0;
  std::uint64_t requests_ = std::numeric_limits<std::uint64_t>::max();
  Time duration_ = std::chrono::hours(24);
  bool keep_alive_ = false;
  Time think_{0};
  Time silent_{0};
  Time shortest_silence_{0};
  Time patience_ = std::chrono::seconds(3);
  std::uint64_t seed_ = 1;
};

}  // namespace baton::load
