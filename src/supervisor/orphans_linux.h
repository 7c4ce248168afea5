#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "baton/base/error.h"
#include "baton/loop/loop.h"
#include "baton/loop/signal.h"
#include "spawn/look_linux.h"
#include "spawn/process_table_linux.h"

namespace baton::supervisor {

/// Takes over what the workers' descendants leave behind: makes this process their new parent, and collects
/// each of them when it ends, and no other child.
class Orphans {
 public:
  /// Fails where the kernel has no subreapers.
  [[nodiscard]] static Result<std::unique_ptr<Orphans>> adopt(Loop& loop);
  Orphans(const Orphans&) = delete;
  Orphans& operator=(const Orphans&) = delete;
  /// Nobody is adopted any more. Those that are there are still collected, as long as the loop runs for other
  /// reasons.
  ~Orphans();

  /// What is known of them; an error says why it is not.
  struct Left {
    Result<bool> any = true;  ///< whether one lives
    Result<void> signalled;   ///< an error: none of those that live may be signalled
  };
  /// Looks, and sends a signal if one is given, beside the loop. Whoever asks next is told instead.
  void look(std::optional<int> signal_number, std::move_only_function<void(const Left&)> done);

  /// @{
  /// Not for a loop. Whether one lives now. Fails where that cannot be seen.
  [[nodiscard]] static Result<bool> any();
  /// Sends a signal to each of them and its descendants. Fails where none can be seen, or none of those that
  /// live may be signalled.
  static Result<void> signal(int number);
  /// @}

 private:
  struct Collector;
  Orphans(Loop& loop, bool was_subreaper);

  static Result<void> signal(const std::vector<spawner::ProcessEntry>& orphans, int number);

  Loop& loop_;
  spawner::Look look_;
  std::shared_ptr<Collector> collector_;
  bool was_subreaper_;
};

}  // namespace baton::supervisor
