#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "load/load.h"

namespace baton::chaos {

/// Several loads at once, and what may explain their failures: the connections that killed workers held.
class Drive {
 public:
  using Clock = load::Tally::Clock;
  /// With a service that answers nobody, or not whom it should.
  static constexpr std::chrono::seconds patience{60};

  void add(const load::Options& options);
  /// What is due, for about a millisecond. Throws if nobody has been answered for far too long.
  void step();
  /// Sends out no more and waits until every request has its fate.
  void finish();
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  /// Answers of one process.
  [[nodiscard]] std::uint64_t answered_by(pid_t worker) const;
  [[nodiscard]] load::Tally total() const;
  /// The longest time without an answer to anybody since the last call.
  [[nodiscard]] std::chrono::milliseconds longest_silence();

  /// A worker was killed that held the connections with these clients' ports.
  void killed(std::set<std::uint16_t> ports) { graves_.push_back({Clock::now(), std::move(ports)}); }
  /// What was lost with a connection that was in a killed worker.
  [[nodiscard]] std::uint64_t explained() const { return explained_; }
  /// What was lost without such a reason.
  [[nodiscard]] std::uint64_t unexplained() const { return unexplained_; }

 private:
  struct Grave {
    Clock::time_point when;
    std::set<std::uint16_t> ports;
  };
  void answered_one();
  void failed(const load::Failure& failure);

  std::vector<std::unique_ptr<load::Load>> loads_;
  std::deque<Grave> graves_;
  std::uint64_t answered_ = 0;
  std::uint64_t explained_ = 0;
  std::uint64_t unexplained_ = 0;
  Clock::time_point last_answer_ = Clock::now();
  Clock::duration longest_silence_{};
};

}  // namespace baton::chaos
