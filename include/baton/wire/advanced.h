#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/wire/value.h"

namespace baton::wire {

/// How much an advanced message may ask for, in either direction. Its size is the framer's matter.
class AdvancedLimits {
 public:
  /// How deep values may nest in the whole message; 512 unless set, `Value::max_depth` at most.
  AdvancedLimits& depth(unsigned depth) noexcept {
    depth_ = depth < Value::max_depth ? depth : Value::max_depth;
    return *this;
  }
  /// How much memory reading may take, the value's included: `least` bytes (64 MiB unless set), or `growth`
  /// times the size of the message (8 unless set) if that is more. Writing takes no notice.
  AdvancedLimits& memory(std::size_t least, unsigned growth = 8) noexcept {
    memory_ = least;
    growth_ = growth;
    return *this;
  }

  /// What was set.
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }
  /// What it comes to for a message of that size.
  [[nodiscard]] std::size_t memory_for(std::size_t size) const noexcept {
    return std::max(memory_, size * growth_);
  }

 private:
  std::size_t memory_ = std::size_t{64} << 20;
  unsigned growth_ = 8;
  unsigned depth_ = 512;
};

/// The value of one message of advanced serialization, without its length: V8's format of versions 13 to 16
/// as Node's child_process uses it (`v8.deserialize` reads the same). Bytes after the value are ignored, as
/// Node does. Whatever a sender claims, no more memory is taken than its bytes call for, and no more than
/// `AdvancedLimits::memory`: some kinds of value would take a hundred times that of their bytes.
///
/// What comes back is not always what the sender's JavaScript would see: a RegExp's source and a Map's keys
/// are not looked at; of an array with many holes only what it holds is kept (see `Value::array`); an
/// ArrayBuffer that can grow to 4 GiB and more can grow to one byte less; a host object of Node's own is the
/// plain object that its members are.
///
/// Errors: Errc::message_too_deep; Errc::message_too_large, if the value would take more memory than that;
/// Errc::bad_message; each with the byte offset and the reason in `step()`.
[[nodiscard]] Result<Value> read_advanced(std::string_view bytes, AdvancedLimits limits = AdvancedLimits());

/// Appends the message that Node writes for the value (version 15), byte for byte; of what Node's own
/// versions write differently, as the newest does.
///
/// Errors, with `out` as it was: Errc::message_too_deep; Errc::bad_message for a reference to an object that
/// has not come before it.
[[nodiscard]] Result<void> write_advanced(const Value& value, std::string& out,
                                          AdvancedLimits limits = AdvancedLimits());

}  // namespace baton::wire
