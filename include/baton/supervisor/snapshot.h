#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::supervisor {

enum class State { starting, running, reloading, draining };
/// `done`: it has ended by itself, and by `Options::restart` there is no other.
enum class WorkerState { starting, ready, draining, backoff, done };
/// "starting" and so on.
[[nodiscard]] std::string_view name_of(State state) noexcept;
[[nodiscard]] std::string_view name_of(WorkerState state) noexcept;

/// One worker, or a slot that waits for its next start.
class WorkerView {
 public:
  /// The slot, 1 and up: the same over restarts. While one is replaced there are two of the same slot.
  [[nodiscard]] unsigned slot() const noexcept { return slot_; }
  /// Nothing in back-off, and when it is done.
  [[nodiscard]] std::optional<pid_t> pid() const noexcept { return pid_; }
  /// Where it is in its life.
  [[nodiscard]] WorkerState state() const noexcept { return state_; }
  /// How often this slot was started anew, for whatever reason.
  [[nodiscard]] uint64_t restarts() const noexcept { return restarts_; }
  /// How long it took to become ready; nothing before.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> ready_after() const noexcept { return ready_after_; }
  /// How long its process has been there; nothing without one.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> age() const noexcept { return age_; }
  /// @{
  /// Connections open now, and how late its loop runs; nothing where nobody reports them.
  [[nodiscard]] std::optional<uint64_t> connections() const noexcept { return connections_; }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> loop_lag() const noexcept { return loop_lag_; }
  /// @}
  /// How many connections it was handed and accepted.
  [[nodiscard]] uint64_t accepted() const noexcept { return accepted_; }

 private:
  friend class Driver;
  unsigned slot_ = 0;
  std::optional<pid_t> pid_;
  WorkerState state_ = WorkerState::starting;
  uint64_t restarts_ = 0;
  std::optional<std::chrono::nanoseconds> ready_after_;
  std::optional<std::chrono::nanoseconds> age_;
  std::optional<uint64_t> connections_;
  std::optional<std::chrono::nanoseconds> loop_lag_;
  uint64_t accepted_ = 0;
};

/// How processes ended that ended the same way.
class ExitCount {
 public:
  /// @{
  /// The exit code or the signal's number; both empty if somebody else collected the status.
  [[nodiscard]] std::optional<int> code() const noexcept { return code_; }
  [[nodiscard]] std::optional<int> signal() const noexcept { return signal_; }
  /// @}
  /// How many ended so.
  [[nodiscard]] uint64_t count() const noexcept { return count_; }

 private:
  friend class Driver;
  std::optional<int> code_;
  std::optional<int> signal_;
  uint64_t count_ = 0;
};

/// A supervisor as it is now: a copy, made on demand.
class Snapshot {
 public:
  /// What the supervisor is doing.
  [[nodiscard]] State state() const noexcept { return state_; }
  /// How many workers there shall be.
  [[nodiscard]] unsigned wanted() const noexcept { return wanted_; }
  /// By slot; of one slot the older first. Draining ones are among them.
  [[nodiscard]] const std::vector<WorkerView>& workers() const noexcept { return workers_; }
  /// How many of them are ready.
  [[nodiscard]] unsigned ready() const noexcept { return ready_; }
  /// The listeners that workers share: "0.0.0.0:8080", "[::1]:8080", "unix:/path".
  [[nodiscard]] const std::vector<std::string>& listeners() const noexcept { return listeners_; }
  /// Those of `Options::listen` in whose backlogs connections have waited for 5 s, of which no worker takes
  /// any.
  [[nodiscard]] const std::vector<std::string>& stuck() const noexcept { return stuck_; }

  /// @{
  /// Whether a reload is running, and how many ended well and badly since the beginning.
  [[nodiscard]] bool reload_running() const noexcept { return reload_running_; }
  [[nodiscard]] uint64_t reloads_done() const noexcept { return reloads_done_; }
  [[nodiscard]] uint64_t reloads_failed() const noexcept { return reloads_failed_; }
  /// @}

  /// Starts that replaced a worker, by reason: "exit", "signal", "hang", "memory", "never_ready",
  /// "start_failed", "reload", "replace" (it was asked for).
  [[nodiscard]] const std::map<std::string, uint64_t>& restarts() const noexcept { return restarts_; }
  /// How processes ended since the beginning, and how many in each way.
  [[nodiscard]] const std::vector<ExitCount>& exits() const noexcept { return exits_; }
  /// @{
  /// How many workers have become ready, and how long they took for it together.
  [[nodiscard]] uint64_t ready_count() const noexcept { return ready_count_; }
  [[nodiscard]] std::chrono::nanoseconds ready_time() const noexcept { return ready_time_; }
  /// @}

  /// @{
  /// Connections that were handed over and not answered yet, and those that came back and were given to
  /// another worker.
  [[nodiscard]] uint64_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] uint64_t requeued() const noexcept { return requeued_; }
  /// @}
  /// Connections that were accepted by workers of each slot since the beginning.
  [[nodiscard]] const std::map<unsigned, uint64_t>& accepted() const noexcept { return accepted_; }

 private:
  friend class Driver;
  State state_ = State::starting;
  unsigned wanted_ = 0;
  std::vector<WorkerView> workers_;
  unsigned ready_ = 0;
  std::vector<std::string> listeners_;
  std::vector<std::string> stuck_;
  bool reload_running_ = false;
  uint64_t reloads_done_ = 0;
  uint64_t reloads_failed_ = 0;
  std::map<std::string, uint64_t> restarts_;
  std::vector<ExitCount> exits_;
  uint64_t ready_count_ = 0;
  std::chrono::nanoseconds ready_time_{0};
  uint64_t in_flight_ = 0;
  uint64_t requeued_ = 0;
  std::map<unsigned, uint64_t> accepted_;
};

/// What the kernel says of a process; what it does not say is empty.
class Usage {
 public:
  /// @{
  /// 0 and 0 for this process itself.
  [[nodiscard]] unsigned slot() const noexcept { return slot_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// @}
  /// User and system time since it was started.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> cpu() const noexcept { return cpu_; }
  /// @{
  /// Bytes: resident, and that with shared pages divided among those who share them.
  [[nodiscard]] std::optional<uint64_t> rss() const noexcept { return rss_; }
  [[nodiscard]] std::optional<uint64_t> pss() const noexcept { return pss_; }
  /// @}
  /// Bytes of address space.
  [[nodiscard]] std::optional<uint64_t> virtual_memory() const noexcept { return virtual_memory_; }
  /// @{
  /// How many descriptors are open, and how many may be.
  [[nodiscard]] std::optional<uint64_t> open_fds() const noexcept { return open_fds_; }
  [[nodiscard]] std::optional<uint64_t> max_fds() const noexcept { return max_fds_; }
  /// @}
  /// When it was started, since 1970.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> start_time() const noexcept { return start_time_; }

  /// Asks the kernel about process `pid`, which is a worker of `slot`: 50 us, and more the more memory it
  /// has. A process can hold whoever does so for as long as it likes: do it in a thread where that counts.
  [[nodiscard]] static Usage of(pid_t pid, unsigned slot = 0);
  /// The same, of what costs next to nothing: `cpu`, `rss` and `virtual_memory`.
  [[nodiscard]] static Usage brief(pid_t pid, unsigned slot = 0);

 private:
  unsigned slot_ = 0;
  pid_t pid_ = 0;
  std::optional<std::chrono::nanoseconds> cpu_;
  std::optional<uint64_t> rss_;
  std::optional<uint64_t> pss_;
  std::optional<uint64_t> virtual_memory_;
  std::optional<uint64_t> open_fds_;
  std::optional<uint64_t> max_fds_;
  std::optional<std::chrono::nanoseconds> start_time_;
};

}  // namespace baton::supervisor
