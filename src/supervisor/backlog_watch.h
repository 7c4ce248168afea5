#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "baton/supervisor/restart_policy.h"
#include "net/backlog.h"

namespace baton::supervisor {

/// Whether connections wait in a backlog from which nobody takes any: it has not become shorter for so long,
/// or is full and nobody new has got in. That of a service that has much to do goes up and down, or others
/// take the places of those who were taken out.
class BacklogWatch {
 public:
  static constexpr Time between_looks = std::chrono::seconds(1);
  static constexpr Time patience = std::chrono::seconds(5);

  /// What was seen, once in a while, of one that is not full.
  void seen(unsigned waiting, Time now) noexcept {
    who_.reset();
    note(waiting == 0 || waiting < last_, now);
    last_ = waiting;
  }
  /// The same of one that is full, and who they are; nothing: that is not known, and says nothing.
  void seen_full(unsigned waiting, std::optional<net::Waiting> who, Time now) noexcept {
    const bool shorter = waiting < last_;
    if (who || shorter) note(shorter || (who_ && !std::ranges::includes(*who_, *who)), now);
    who_ = std::move(who);
    last_ = waiting;
  }
  [[nodiscard]] bool stuck() const noexcept { return stuck_; }

 private:
  void note(bool moves, Time now) noexcept {
    if (moves) {
      since_.reset();
    } else if (!since_) {
      since_ = now;
    }
    stuck_ = since_ && now - *since_ >= patience;
  }

  std::optional<Time> since_;
  unsigned last_ = 0;
  std::optional<net::Waiting> who_;
  bool stuck_ = false;
};

}  // namespace baton::supervisor
