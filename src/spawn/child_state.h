#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "baton/spawn/child.h"
#include "loop/poll.h"
#include "loop/slot.h"
#include "spawn/launch.h"
#include "spawn/stdio_setup.h"
#include "spawn/tree_end_linux.h"

namespace baton {

/// A child's life, from its start to its end. The Child owns it; it outlives that in the loop for as long as
/// there is something left to end.
struct Child::State : std::enable_shared_from_this<State> {
  State(Loop& owner, spawner::Launched launched, spawner::LaunchPlan plan, const SpawnOptions& how);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  /// Only the end of the loop destroys the state of a child that still runs.
  ~State();

  /// Throws Error, before which nothing has begun.
  void watch(const SpawnOptions& options);
  void adopt_streams(spawner::StdioSetup::Streams all);
  [[nodiscard]] net::Socket* find_stream(int target);

  Result<bool> signal(int number);
  bool signal_quietly(int number) noexcept { return signal(number).value_or(false); }
  size_t signal_tree(int number);
  void stop(std::chrono::nanoseconds time);
  Op<> stop_tree(std::chrono::nanoseconds time);
  void lose_owner();

  Loop& loop;
  pid_t pid;
  Fd pidfd;
  std::string file;
  std::vector<std::string> arguments;
  // Not the options themselves: those own descriptors.
  std::chrono::nanoseconds grace;
  std::optional<std::chrono::nanoseconds> close_grace;
  int kill_signal;
  int stop_signal;
  bool whole_tree;
  spawner::StdioSetup::Streams streams;
  std::optional<ExitStatus> status;
  Slot<const ExitStatus&> on_exit;
  Slot<const ExitStatus&> on_close;
  std::vector<Promise<ExitStatus>> waiting;
  Poll poll;
  bool killed = false;
  bool timed_out = false;
  bool cancelled = false;
  bool detached = false;

 private:
  using Clock = std::chrono::steady_clock;

  void reap();
  void close_if_over();
  void close_streams();
  void end_early(bool& why);
  void signal_all(int number);
  spawner::TreeEnd& tree_end();
  void tree_over(const Result<void>& outcome);

  std::optional<std::stop_callback<Callback>> stop_callback_;
  std::unique_ptr<spawner::TreeEnd> tree_;
  std::vector<Promise<>> waiting_for_tree_;
  Timer time_limit_;
  Timer grace_timer_;
  Timer close_timer_;
  Timer undying_timer_;
  std::optional<Clock::time_point> killed_at_;
  bool closed_ = false;
  bool ownerless_ = false;
};

}  // namespace baton
