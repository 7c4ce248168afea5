#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "load/fate.h"

namespace baton::load {

/// What became of all requests of a run.
class Tally {
 public:
  using Clock = std::chrono::steady_clock;

  void begin(Clock::time_point now) { began_ = last_answer_ = last_ = now; }
  void add(Fate fate, Clock::time_point now);
  void add_answer(pid_t worker, Clock::duration took, Clock::time_point now);
  /// More bytes came after a whole answer. Its request counts as answered, and here too.
  void add_second() { ++seconds_; }
  /// The server ended a kept connection that nobody was asking on: its right, and no request's fate.
  void add_idle_end() { ++idle_ends_; }
  /// Adds those of another load of the same time.
  void merge(const Tally& other);

  [[nodiscard]] std::uint64_t count(Fate fate) const { return fates_[static_cast<std::size_t>(fate)]; }
  [[nodiscard]] std::uint64_t answered() const { return count(Fate::answered); }
  /// Every request that has its fate.
  [[nodiscard]] std::uint64_t requests() const;
  /// Requests that were not answered, and second answers.
  [[nodiscard]] std::uint64_t failed() const { return requests() - answered() + seconds_; }
  /// Requests that went with their connection after it was established: reset or ended.
  [[nodiscard]] std::uint64_t lost() const {
    return count(Fate::reset_before) + count(Fate::reset_after) + count(Fate::eof);
  }
  [[nodiscard]] std::uint64_t second_answers() const { return seconds_; }
  [[nodiscard]] std::uint64_t idle_ends() const { return idle_ends_; }
  /// Answers by the process that gave them.
  [[nodiscard]] const std::map<pid_t, std::uint64_t>& by_worker() const { return by_worker_; }
  /// The longest time without any answer, from the first request to the last event.
  [[nodiscard]] std::chrono::microseconds longest_gap() const;
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(last_ - began_).count(); }
  /// Of 0 to 1, the time that so many of the answers took at most; 0 without answers.
  [[nodiscard]] std::chrono::microseconds quantile(double part) const;

  /// One line.
  [[nodiscard]] std::string to_json() const;
  /// For people: several lines.
  [[nodiscard]] std::string to_table() const;

 private:
  std::array<std::uint64_t, fate_count> fates_{};
  std::uint64_t seconds_ = 0;
  std::uint64_t idle_ends_ = 0;
  std::map<pid_t, std::uint64_t> by_worker_;
  std::vector<std::uint32_t> took_us_;  // of at most the first few million answers
  Clock::duration longest_gap_{};
  Clock::time_point began_, last_answer_, last_;
};

}  // namespace baton::load
