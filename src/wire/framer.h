#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "wire/frame.h"

namespace baton::wire {

/// Cuts a byte stream into frames, whatever pieces it comes in. Copies nothing but frames that were split.
/// What a frame ends with, or begins with, is the matter of LineFramer and LengthFramer.
class Framer {
 public:
  /// The next piece of the stream. It must stay valid until `next` has returned nothing.
  void feed(std::string_view bytes) noexcept { input_ = bytes; }
  /// The text of the last frame, or its end, to keep. One that came in pieces is moved.
  [[nodiscard]] std::string take_text(std::string_view text) {
    if (text.size() != complete_.size() || text.data() != complete_.data()) return std::string(text);
    return std::exchange(complete_, {});
  }
  /// What was fed and not yet looked at.
  [[nodiscard]] std::string_view rest() const noexcept { return input_; }
  /// A frame over the limit. Nothing of it is kept.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  /// Where the first byte stands that was not yet returned in a frame.
  [[nodiscard]] uint64_t position() const noexcept { return position_; }

 protected:
  /// `limit`: the longest frame, in bytes.
  explicit Framer(size_t limit) : limit_(limit) {}
  Framer(const Framer&) = default;
  Framer& operator=(const Framer&) = default;
  ~Framer() = default;

  /// The first `size` bytes of the input, or all there are, out of it.
  std::string_view take(size_t size) noexcept {
    const std::string_view taken = input_.substr(0, size);
    input_.remove_prefix(taken.size());
    return taken;
  }
  /// `piece` goes on with a frame of which more is to come.
  void keep(std::string_view piece);
  /// How much of the frame is kept.
  [[nodiscard]] size_t kept() const noexcept { return partial_.size(); }
  void expect(size_t size) { partial_.reserve(size); }
  /// `piece` ends a frame, which had `around` bytes more in the stream than it has itself.
  Frame finish(std::string_view piece, size_t around) {
    const uint64_t start = position_;
    position_ += partial_.size() + piece.size() + around;
    return {partial_.empty() ? piece : join(piece), start};
  }
  std::nullopt_t overflow() noexcept;
  [[nodiscard]] std::string_view input() const noexcept { return input_; }
  [[nodiscard]] size_t limit() const noexcept { return limit_; }

 private:
  std::string_view join(std::string_view piece);

  size_t limit_;
  std::string_view input_;
  std::string partial_;   // the beginning of a frame that was split
  std::string complete_;  // such a frame once it is whole
  uint64_t position_ = 0;
  bool overflowed_ = false;
};

}  // namespace baton::wire
