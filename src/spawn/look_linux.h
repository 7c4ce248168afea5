#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "baton/loop/loop.h"

namespace baton::spawner {

/// Which looks wait for each other: a thread does those of one lane one after the other.
enum class Lane { trees, ports };

/// A look at other processes, which whoever owns one of them can hold for as long as it likes: /proc is a
/// file system with locks. So a thread does it that nothing waits for longer than `patience`; not one of
/// those of `Work`, of which there are few.
class Look {
 public:
  Look() = default;
  /// `job` may touch nothing but what is its own; who is a child of this thread's is known there. `done` is
  /// called from the loop: true, when the job has ended; false, when patience is over, and what the job has
  /// is still its own.
  Look(Loop& loop, Lane lane, std::chrono::milliseconds patience, Callback job,
       std::move_only_function<void(bool)> done);
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
[[nodiscard]] bool look_now(Lane lane, std::chrono::milliseconds patience, Callback job);

}  // namespace baton::spawner
