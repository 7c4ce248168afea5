#pragma once

#include <optional>

#include "wire/framer.h"

namespace baton::wire {

/// Cuts a byte stream into lines.
class LineFramer : public Framer {
 public:
  /// `limit`: the longest line, in bytes, its LF not counted.
  explicit LineFramer(size_t limit) : Framer(limit) {}

  /// The next complete line; nothing when more bytes are needed, and nothing for ever after an overflow.
  [[nodiscard]] std::optional<Frame> next();
};

}  // namespace baton::wire
