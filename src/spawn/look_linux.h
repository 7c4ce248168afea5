#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "baton/base/error.h"
#include "baton/loop/loop.h"

namespace baton::spawner {

/// Which looks wait for each other: a thread does those of one lane one after the other. Copies are the same
/// lane.
class Lane {
 public:
  /// @{
  /// Those of the process. Their threads stay, so that there is one when nobody gets another.
  static Lane trees();
  static Lane ports();
  /// @}
  /// One of its own, for what one child alone may hold. Its thread ends when nothing is left to do. Of such
  /// threads there are no more than `most_threads`.
  Lane();
  static constexpr int most_threads = 1024;
  static constexpr std::size_t most_waiting = 16;  ///< of one lane

  /// Does `job` when it is its turn; nobody waits for it. False: it is not done, as there is no thread for
  /// it, or too many wait.
  bool post(Callback job) const;
  /// Waits until all is done that was asked for; false: patience is over.
  [[nodiscard]] bool finish(std::chrono::milliseconds patience) const;
  bool operator==(const Lane&) const = default;

  class Looker;

 private:
  friend class Look;
  friend bool look_now(const Lane&, std::chrono::milliseconds, Callback);
  explicit Lane(std::shared_ptr<Looker> looker) : looker_(std::move(looker)) {}
  std::shared_ptr<Looker> looker_;
};

/// The lanes of those who take the same place one after the other: each has its own, unless too many before
/// it are held still. So nobody takes more than a few of the threads there may be.
class LanesOfAPlace {
 public:
  static constexpr std::size_t most_held = 4;
  [[nodiscard]] Lane next();

 private:
  std::vector<Lane> held_;
};

/// A look at other processes, which whoever owns one of them can hold for as long as it likes: /proc is a
/// file system with locks. So a thread does it that nothing waits for longer than `patience`; not one of
/// those of `Work`, of which there are few.
class Look {
 public:
  Look() = default;
  /// `job` may touch nothing but what is its own; who is a child of this thread's is known there. `done` is
  /// called from the loop when the job has ended. It fails with ETIMEDOUT when patience is over (the time for
  /// which the loop itself does not run does not count), EAGAIN when there is no thread for it, or too many
  /// wait, and ECANCELED if the job threw: what the job has is then still its own.
  Look(Loop& loop, const Lane& lane, std::chrono::milliseconds patience, Callback job,
       std::move_only_function<void(const Result<void>&)> done);
  Look(Look&&) noexcept = default;
  Look& operator=(Look&& other) noexcept;
  /// `done` is not called any more.
  ~Look() { abandon(); }

  /// Whether `done` is still to be called.
  explicit operator bool() const noexcept;
  /// It does not keep the loop running any more.
  void unref();

 private:
  struct State;
  void abandon() noexcept;
  std::shared_ptr<State> state_;
};

/// The same for who has no time to lose but no loop to return to: waits here. Whether the job has ended.
[[nodiscard]] bool look_now(const Lane& lane, std::chrono::milliseconds patience, Callback job);

}  // namespace baton::spawner
