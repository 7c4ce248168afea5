#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.h"
#include "baton/wire/serialization.h"
#include "baton/wire/value.h"

namespace baton::wire {

/// A message as a channel of that serialization sends it, written once for as many as it goes to. It may be
/// written by another thread.
class WrittenMessage {
 public:
  /// Fails as `Channel::send` does with what cannot be written.
  [[nodiscard]] static Result<WrittenMessage> of(Serialization how, const Value& message);

  [[nodiscard]] Serialization serialization() const noexcept { return how_; }
  /// With its end, or the length that it begins with.
  [[nodiscard]] std::string_view frame() const noexcept { return frame_; }
  /// What counts against the limit of a message.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  WrittenMessage(Serialization how, std::string frame, std::size_t size)
      : frame_(std::move(frame)), size_(size), how_(how) {}
  std::string frame_;
  std::size_t size_;
  Serialization how_;
};

}  // namespace baton::wire
