#pragma once

#include <functional>
#include <memory>

#include "baton/loop/loop.h"

namespace baton {

/// What takes too long for the loop: done by one of a few threads of the process, while the loop goes on; on
/// the loop where there can be no thread.
class Work {
 public:
  class State;
  /// What waits for others has threads of its own, so that it holds up nobody who computes. Where there can
  /// be no thread, or 1,024 wait before it, it is not done at all, and `done` is called.
  enum class Kind : unsigned char { computes, waits };

  Work() = default;
  /// `job` may touch nothing but what is its own. `done` is called from the loop when it has ended,
  /// also by an exception, which is lost: most likely there was no memory.
  Work(Loop& loop, std::move_only_function<void()> job, Callback done, Kind kind = Kind::computes);
  Work(Work&&) noexcept = default;
  Work& operator=(Work&& other) noexcept;
  /// `done` is not called any more; the job may go on.
  ~Work() { abandon(); }

  /// Whether `done` is still to be called.
  explicit operator bool() const noexcept;

 private:
  void abandon() noexcept;
  std::shared_ptr<State> state_;
};

}  // namespace baton
