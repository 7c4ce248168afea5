#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/wire/value.h"

namespace baton::cli {

// A text from a stranger, safe to show: control characters as \x1b (a tab stays), those beyond ASCII as
// \u0085, bytes that are no UTF-8 as \xff.
[[nodiscard]] std::string visible(std::string_view text);

// One JSON object on one line, with `time` (ISO 8601 in UTC, to the millisecond) as its last member. Bytes
// that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_line(Value object);

}  // namespace baton::cli
