#pragma once

#include <cstdint>
#include <string_view>

namespace baton::wire {

/// One message as it came: without the LF that ended it, or the length that it began with.
class Frame {
 public:
  Frame(std::string_view text, uint64_t start) : text_(text), start_(start) {}
  /// Valid until the framer is asked or fed again.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// The place of its first byte (the length's, if it has one) in the stream.
  [[nodiscard]] uint64_t start() const noexcept { return start_; }

 private:
  std::string_view text_;
  uint64_t start_;
};

}  // namespace baton::wire
