#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/wire/value.h"

namespace baton {

/// The value as JSON.stringify prints it, for logs and tests. Throws Error where `wire::write_json` fails.
[[nodiscard]] std::string to_json(const Value& value);

/// The value of a JSON text that somebody sent who is no peer on a channel: the body of a request, a file. As
/// JSON.parse reads it, to a depth of 512 and 64 MiB of memory; `wire::read_json` says more. Fails with
/// Errc::bad_json: "read JSON: byte 17: a comma or a bracket is missing: not JSON".
[[nodiscard]] Result<Value> from_json(std::string_view text);

namespace wire {

/// How much a JSON text may ask for, in either direction. Its size is the framer's matter.
class JsonLimits {
 public:
  /// How deep arrays and objects may nest in the whole text; 512 unless set, `Value::max_depth` at most.
  JsonLimits& depth(unsigned depth) noexcept {
    depth_ = depth < Value::max_depth ? depth : Value::max_depth;
    return *this;
  }
  /// How much memory reading may take, the value's included: `least` bytes (64 MiB unless set), or `growth`
  /// times the size of the text (8 unless set) if that is more. Writing takes no notice.
  JsonLimits& memory(std::size_t least, unsigned growth = 8) noexcept {
    memory_ = least;
    growth_ = growth;
    return *this;
  }

  /// What was set.
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }
  /// What it comes to for a text of that size.
  [[nodiscard]] std::size_t memory_for(std::size_t size) const noexcept {
    return std::max(memory_, size * growth_);
  }

 private:
  std::size_t memory_ = std::size_t{64} << 20;
  unsigned growth_ = 8;
  unsigned depth_ = 512;
};

/// The value of one JSON text, with exactly the strictness of JSON.parse and its results, after decoding
/// UTF-8 as Node does: bytes that are no UTF-8 become U+FFFD and are no error; "\ud800" is a lone surrogate;
/// 1e400 is Infinity; 9007199254740993 is 9007199254740992.
///
/// Errors: Errc::message_too_deep; Errc::message_too_large, if the value would take more memory than
/// `JsonLimits::memory` (it takes up to twenty times that of the text, as for `[1,1,1,...]`);
/// Errc::bad_message; each with the byte offset and the reason in `step()`.
[[nodiscard]] Result<Value> read_json(std::string_view text, JsonLimits limits = JsonLimits());

/// Appends the value to `out`, byte for byte as JSON.stringify prints it: undefined members are left out and
/// undefined elements are null, as are NaN and the infinities; lone surrogates are escaped; all else that is
/// not ASCII is UTF-8.
///
/// Errors, with `out` as it was: Errc::message_too_deep; Errc::bad_message for undefined, which has no JSON.
[[nodiscard]] Result<void> write_json(const Value& value, std::string& out, JsonLimits limits = JsonLimits());

}  // namespace wire
}  // namespace baton
