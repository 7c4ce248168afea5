#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/frame.h"

namespace baton::wire {

/// Cuts a byte stream into frames that begin with their length (four bytes, big-endian, not counting
/// themselves), whatever pieces it comes in. Copies nothing but frames that were split. LineFramer's sibling.
class LengthFramer {
 public:
  static constexpr size_t prefix_size = 4;

  /// `limit`: the longest frame, in bytes, its length not counted.
  explicit LengthFramer(size_t limit) : limit_(limit) {}

  /// How long the frame is that these bytes begin with, its length counted; at least four bytes must be
  /// there.
  [[nodiscard]] static size_t whole_size(std::string_view bytes) noexcept;

  /// The next piece of the stream. It must stay valid until `next` has returned nothing.
  void feed(std::string_view bytes) noexcept { input_ = bytes; }
  /// The next complete frame; nothing when more bytes are needed, and nothing for ever after an overflow.
  [[nodiscard]] std::optional<Frame> next();

  /// A frame said to be longer than the limit. Nothing of it is kept.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  /// Where the first byte stands that was not yet returned in a frame.
  [[nodiscard]] uint64_t position() const noexcept { return position_; }

 private:
  [[nodiscard]] bool take_prefix() noexcept;
  void overflow() noexcept;

  size_t limit_;
  std::string_view input_;
  std::array<unsigned char, prefix_size> prefix_{};
  size_t prefix_taken_ = 0;
  size_t length_ = 0;     // of the frame, once its prefix is there
  std::string partial_;   // the beginning of a frame that was split
  std::string complete_;  // such a frame once it is whole
  uint64_t position_ = 0;
  bool overflowed_ = false;
};

}  // namespace baton::wire
