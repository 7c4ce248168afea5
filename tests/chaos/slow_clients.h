#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "baton/base/fd.h"

namespace baton::chaos {

/// Clients that begin a request and never end it (slowloris): every second one says nothing at all, the
/// others add a header line now and then. It keeps account of how each connection ends.
class SlowClients {
 public:
  using Clock = std::chrono::steady_clock;

  /// Opens `count` connections, spread over `opening`; each of those that speak does so every `pause`.
  SlowClients(std::uint16_t port, unsigned count, Clock::duration opening, Clock::duration pause);

  /// What is due, without waiting.
  void step();
  /// How many connections were begun, and how many have ended.
  [[nodiscard]] unsigned begun() const { return begun_; }
  [[nodiscard]] unsigned ended() const { return told_ + broken_; }
  /// How many were answered 408 and ended in order.
  [[nodiscard]] unsigned told() const { return told_; }
  /// From the beginning of a connection to its end.
  [[nodiscard]] Clock::duration shortest_life() const { return shortest_life_; }
  [[nodiscard]] Clock::duration longest_life() const { return longest_life_; }

 private:
  struct Connection {
    Fd fd;
    Clock::time_point since;
    bool spoke = false;
    bool told = false;
  };
  struct Line {
    Clock::time_point due;
    std::uint32_t connection;
  };

  void begin();
  void say_what_is_due();
  void read(Connection& connection);

  std::uint16_t port_;
  Clock::duration opening_;
  Clock::duration pause_;
  Clock::time_point start_ = Clock::now();
  std::vector<Connection> connections_;
  std::deque<Line> lines_;
  Fd epoll_;
  unsigned begun_ = 0;
  unsigned told_ = 0;
  unsigned broken_ = 0;
  Clock::duration shortest_life_ = Clock::duration::max();
  Clock::duration longest_life_{};
};

}  // namespace baton::chaos
