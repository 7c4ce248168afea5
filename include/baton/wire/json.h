#pragma once

#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/wire/value.h"

namespace baton {

/// The value as JSON.stringify prints it, for logs and tests. Throws Error where `wire::write_json` fails.
[[nodiscard]] std::string to_json(const Value& value);

namespace wire {

/// How much a JSON text may ask for, in either direction. Its size is the framer's matter.
class JsonLimits {
 public:
  /// How deep arrays and objects may nest in the whole text; 512 unless set, `Value::max_depth` at most.
  JsonLimits& depth(unsigned depth) noexcept {
    depth_ = depth < Value::max_depth ? depth : Value::max_depth;
    return *this;
  }
  /// What was set.
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }

 private:
  unsigned depth_ = 512;
};

/// The value of one JSON text, with exactly the strictness of JSON.parse and its results, after decoding
/// UTF-8 as Node does: bytes that are no UTF-8 become U+FFFD and are no error; "\ud800" is a lone surrogate;
/// 1e400 is Infinity; 9007199254740993 is 9007199254740992.
///
/// Errors: Errc::message_too_deep; Errc::bad_message, with the byte offset and the reason in `step()`.
/// The result takes up to twenty times the memory of the text (as for `[1,1,1,...]`), reading it twice that.
[[nodiscard]] Result<Value> read_json(std::string_view text, JsonLimits limits = JsonLimits());

/// Appends the value to `out`, byte for byte as JSON.stringify prints it: undefined members are left out and
/// undefined elements are null, as are NaN and the infinities; lone surrogates are escaped; all else that is
/// not ASCII is UTF-8.
///
/// Errors, with `out` as it was: Errc::message_too_deep; Errc::bad_message for undefined, which has no JSON.
[[nodiscard]] Result<void> write_json(const Value& value, std::string& out, JsonLimits limits = JsonLimits());

}  // namespace wire
}  // namespace baton
