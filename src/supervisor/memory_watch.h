#pragma once

#include <cstdint>
#include <optional>

#include "baton/supervisor/restart_policy.h"

namespace baton::supervisor {

/// Whether a worker has been over a size for long enough to be replaced: a peak is none of our business.
class MemoryWatch {
 public:
  static constexpr Time patience = std::chrono::seconds(5);

  /// What was measured, once in a while. True: it has been over the limit all the time; then the time begins
  /// anew.
  bool measured(uint64_t bytes, uint64_t limit, Time now) noexcept {
    if (bytes <= limit) {
      over_since_.reset();
      return false;
    }
    if (!over_since_) over_since_ = now;
    if (now - *over_since_ < patience) return false;
    over_since_ = now;
    return true;
  }

 private:
  std::optional<Time> over_since_;
};

}  // namespace baton::supervisor
