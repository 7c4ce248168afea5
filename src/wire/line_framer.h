#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/frame.h"

namespace baton::wire {

/// Cuts a byte stream into lines, whatever pieces it comes in. Copies nothing but lines that were split.
class LineFramer {
 public:
  /// `limit`: the longest line, in bytes.
  explicit LineFramer(size_t limit) : limit_(limit) {}

  /// The next piece of the stream. It must stay valid until `next` has returned nothing.
  void feed(std::string_view bytes) noexcept { input_ = bytes; }
  /// The next complete line; nothing when more bytes are needed, and nothing for ever after an overflow.
  [[nodiscard]] std::optional<Frame> next();

  /// A line grew over the limit. Nothing of it is kept.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  /// Where the first byte stands that was not yet returned in a frame.
  [[nodiscard]] uint64_t position() const noexcept { return position_; }

 private:
  void overflow() noexcept;

  size_t limit_;
  std::string_view input_;
  std::string partial_;   // the beginning of a line that was split; never holds an LF
  std::string complete_;  // such a line once it is whole
  uint64_t position_ = 0;
  bool overflowed_ = false;
};

}  // namespace baton::wire
