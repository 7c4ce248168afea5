#pragma once

// The client: so many connections, on each one request at a time, the next when the answer is there. It is an
// entry of its own, so that no server shares a process with it.

#include <sys/epoll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "baton/baton.h"
#include "models/messages.h"

namespace models {

class Load {
 public:
  using Clock = std::chrono::steady_clock;

  /// Connects all. Throws baton::Error.
  explicit Load(const Job& job);

  /// What came of the requests of so much time; a quarter of it more goes before, in which processes, threads
  /// and connections come to be.
  Figures measure();
  /// Goes on asking, so that others may look at the server under load.
  void go_on(Clock::time_point end) { run(end); }

 private:
  struct Connection {
    baton::Fd socket;
    Clock::time_point asked;
    std::size_t got = 0;    // of the answer
    bool asking = false;    // the request could not be written yet
    bool answered = false;  // the request that is under way
    bool served = false;    // at least once
  };

  void run(Clock::time_point end);
  void connect(Connection& connection);
  void ask(Connection& connection);
  void hear(Connection& connection);
  void take(Connection& connection, std::string_view bytes);
  void fail(Connection& connection);
  void watch(const Connection& connection, int operation, uint32_t what) const;
  [[nodiscard]] Figures figures(Clock::time_point now) const;

  Job job_;
  baton::Fd epoll_;
  std::vector<Connection> connections_;
  std::vector<double> took_ms_;
  int64_t failures_ = 0;
  bool counting_ = false;
};

/// The entry: hears a Job, says Figures, and goes on until it is killed.
baton::Task<> load(baton::Process& self);

}  // namespace models
