#pragma once

#include <deque>
#include <optional>

namespace baton::supervisor {

/// Several requests for more or fewer workers in one, as if each had been carried out in its turn.
class ScaleRequest {
 public:
  void add(int by) noexcept;
  /// Whatever there was before.
  void set(unsigned workers) noexcept;
  [[nodiscard]] bool empty() const noexcept { return empty_; }
  /// How many workers there shall be where there are `workers`.
  [[nodiscard]] unsigned apply(unsigned workers) const noexcept;

 private:
  bool empty_ = true;
  long long by_ = 0;
  long long least_ = 1;
  std::optional<long long> exact_;
};

/// What was asked for and has to wait for the reload that runs: further reloads, which become one; changes of
/// the number of workers, which stay behind the reloads that were due when they came; replacements of single
/// workers.
class ReloadPlan {
 public:
  void ask_reload();
  void ask_scale(int by);
  void ask_scale_to(unsigned workers);
  /// Of one slot alone; a reload that is due includes it.
  void ask_replacement(unsigned slot);
  /// Forgets everything, what runs too.
  void clear() noexcept { *this = ReloadPlan(); }

  /// What can be done now, first of all; nothing while a reload runs.
  enum class Next { nothing, scale, reload, replacement };
  [[nodiscard]] Next next() const noexcept;
  [[nodiscard]] ScaleRequest take_scale() noexcept;
  /// The reload of `slots`, or the replacement that is due, runs from now on.
  void begin_reload(std::deque<unsigned> slots);
  void begin_replacement();

  [[nodiscard]] bool running() const noexcept { return running_; }
  /// What runs is a reload of all.
  [[nodiscard]] bool reloading() const noexcept { return running_ && whole_; }
  /// A reload of all runs or is due.
  [[nodiscard]] bool reload_due() const noexcept { return reload_ || reloading(); }
  /// The slot whose turn it is; nothing: all had theirs.
  [[nodiscard]] std::optional<unsigned> slot() const;
  void slot_done() { slots_.pop_front(); }
  void end() noexcept;

 private:
  bool running_ = false;
  bool whole_ = false;
  std::deque<unsigned> slots_;

  bool reload_ = false;
  ScaleRequest before_;  // the reload that is due
  ScaleRequest after_;
  std::deque<unsigned> replacements_;
};

}  // namespace baton::supervisor
