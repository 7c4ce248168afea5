#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/supervisor/snapshot.h"
#include "spawn/look_linux.h"

namespace baton::supervisor {

/// Asks the kernel about processes, one after the other and beside the loop. Who holds whoever looks at it is
/// waited for a little, once, and left out as long as it does.
class UsageLooks {
 public:
  using Whom = std::pair<unsigned, pid_t>;  ///< slot and process
  using Of = Usage (*)(pid_t, unsigned);
  /// With `keeps_loop` it keeps the loop running while it measures.
  UsageLooks(Loop& loop, Of of, bool keeps_loop = true) : loop_(loop), of_(of), keeps_loop_(keeps_loop) {}

  /// `done` is called from the loop, with what is known in that order. Not to be called before that; `busy`
  /// says so.
  void measure(const std::vector<Whom>& whom, std::move_only_function<void(std::vector<Usage>)> done);
  [[nodiscard]] bool busy() const noexcept { return static_cast<bool>(done_); }
  /// `done` is not called any more.
  void stop() noexcept;

 private:
  void go_on();

  Loop& loop_;
  const Of of_;
  const bool keeps_loop_;
  std::move_only_function<void(std::vector<Usage>)> done_;
  std::deque<Whom> whom_;
  std::vector<Usage> found_;
  std::vector<std::pair<pid_t, spawner::Lane>> held_;
  spawner::Lane lane_;
  spawner::Look look_;
};

}  // namespace baton::supervisor
