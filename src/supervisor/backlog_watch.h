#pragma once

#include <optional>

#include "baton/supervisor/restart_policy.h"

namespace baton::supervisor {

/// Whether connections wait in a backlog from which nobody takes any: it has not become shorter for so long.
/// That of a service that has much to do goes up and down.
class BacklogWatch {
 public:
  static constexpr Time between_looks = std::chrono::seconds(1);
  static constexpr Time patience = std::chrono::seconds(5);

  /// What was seen, once in a while. One that is full says nothing: whoever is taken out of it is followed at
  /// once.
  void seen(unsigned waiting, bool full, Time now) noexcept {
    if (full) return;
    if (waiting == 0 || waiting < last_) {
      since_.reset();
    } else if (!since_) {
      since_ = now;
    }
    last_ = waiting;
    stuck_ = since_ && now - *since_ >= patience;
  }
  [[nodiscard]] bool stuck() const noexcept { return stuck_; }

 private:
  std::optional<Time> since_;
  unsigned last_ = 0;
  bool stuck_ = false;
};

}  // namespace baton::supervisor
