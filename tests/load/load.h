#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "baton/base/fd.h"
#include "load/answer_reader.h"
#include "load/options.h"
#include "load/tally.h"
#include "sim/random.h"

namespace baton::load {

/// A request that was not answered.
class Failure {
 public:
  Failure(Fate fate, std::uint16_t local_port, Tally::Clock::time_point when)
      : fate_(fate), local_port_(local_port), when_(when) {}
  [[nodiscard]] Fate fate() const { return fate_; }
  /// The client's end of its connection; 0 if there was none.
  [[nodiscard]] std::uint16_t local_port() const { return local_port_; }
  [[nodiscard]] Tally::Clock::time_point when() const { return when_; }

 private:
  Fate fate_;
  std::uint16_t local_port_;
  Tally::Clock::time_point when_;
};

/// A client of an HTTP server that keeps account of every request. It is driven from outside, by `step`, with
/// nothing but the kernel below it: what it tests is not used to test it.
class Load {
 public:
  explicit Load(const Options& options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Waits up to `longest` for something to happen, and does what is due.
  void step(std::chrono::milliseconds longest);
  /// Sends out no more requests.
  void stop() { stopped_ = true; }
  /// Whether every request has its fate, none will come, and no answered connection may bring a second
  /// answer.
  [[nodiscard]] bool finished();
  [[nodiscard]] const Tally& tally() const { return tally_; }
  /// How many requests have no fate yet.
  [[nodiscard]] std::uint64_t under_way() const { return under_way_; }

  /// Called for each answer with the process that gave it, and for each request that gets another fate. They
  /// may not destroy this.
  void on_answer(std::function<void(pid_t)> callback) { on_answer_ = std::move(callback); }
  void on_failure(std::function<void(const Failure&)> callback) { on_failure_ = std::move(callback); }

 private:
  using Clock = Tally::Clock;
  using Handle = std::uint64_t;  // of a connection: slot and generation, so that a late event finds nobody
  static constexpr std::uint32_t nobody = UINT32_MAX;
  enum class Phase { opening, silent, asking, idle, watched };

  struct Connection {
    Fd fd;
    Handle handle = 0;
    Phase phase = Phase::opening;
    std::uint32_t client = nobody;
    std::uint64_t deadline = 0;  // the one that counts
    Clock::time_point asked;
    AnswerReader answer;
    std::uint16_t local_port = 0;
  };
  struct Deadline {
    Clock::time_point when;
    Handle connection;
    std::uint64_t number;
  };
  struct Timer {
    Clock::time_point when;
    std::uint32_t client;
    Handle connection;  // 0: the client's next request is due; otherwise the end of a silence
    bool operator>(const Timer& other) const { return when > other.when; }
  };

  Connection* find(Handle handle);
  Connection* open(std::uint32_t client);
  void watch(const Connection& connection, std::uint32_t events, int how);
  void close(Connection& connection);
  void limit(Connection& connection);
  [[nodiscard]] Clock::duration random_time(Options::Time shortest, Options::Time longest);

  [[nodiscard]] bool may_begin() const;
  void begin_due();
  void begin(std::uint32_t client);
  bool still_kept(Connection& connection);
  void ask(Connection& connection);
  void established(Connection& connection);
  void next(std::uint32_t client, Clock::duration pause);

  void happened(Connection& connection, std::uint32_t events);
  void read(Connection& connection);
  void came(Connection& connection, std::string_view bytes);
  void answered(Connection& connection);
  void broke(Connection& connection, int error);
  void failed(Connection& connection, Fate fate);
  void run_timers();
  void run_deadlines();
  [[nodiscard]] int milliseconds_to_wait(std::chrono::milliseconds longest) const;

  Options options_;
  sim::Random random_;
  Tally tally_;
  Fd epoll_;
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t generation_ = 0;
  std::vector<Handle> kept_;  // of each client its connection, between its requests
  std::vector<std::uint32_t> free_clients_;
  std::deque<Deadline> deadlines_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t deadline_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t due_ = 0;
  std::uint64_t under_way_ = 0;
  std::uint64_t watched_ = 0;
  std::uint64_t token_;
  Clock::time_point start_, now_;
  bool stopped_ = false;
  std::string host_;
  std::function<void(pid_t)> on_answer_ = [](pid_t) {};
  std::function<void(const Failure&)> on_failure_ = [](const Failure&) {};
};

}  // namespace baton::load
