#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "wire/framer.h"

namespace baton::wire {

/// Cuts a byte stream into frames that begin with their length: four bytes, big-endian, not counting
/// themselves.
class LengthFramer : public Framer {
 public:
  static constexpr size_t prefix_size = 4;

  /// `limit`: the longest frame, in bytes, its length not counted.
  explicit LengthFramer(size_t limit) : Framer(limit) {}

  /// How long the frame is that these bytes begin with, its length counted; at least four bytes must be
  /// there.
  [[nodiscard]] static size_t whole_size(std::string_view bytes) noexcept;

  /// The next complete frame; nothing when more bytes are needed, and nothing for ever after an overflow.
  [[nodiscard]] std::optional<Frame> next();

 private:
  [[nodiscard]] bool take_prefix() noexcept;

  std::array<unsigned char, prefix_size> prefix_{};
  size_t prefix_taken_ = 0;
  size_t length_ = 0;  // of the frame, once its prefix is there
};

}  // namespace baton::wire
