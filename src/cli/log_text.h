#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/visible.h"
#include "baton/wire/value.h"

namespace baton::cli {

// A text from a stranger for a terminal (see base/visible.h): colours (the sequences of SGR) stay what they
// are, and end with the text.
void append_coloured(std::string& out, std::string_view text);

// The time of day here, to the millisecond: "14:03:27.512".
[[nodiscard]] std::string time_of_day();

// One JSON object on one line, with `time` (ISO 8601 in UTC, to the millisecond) as its last member. Bytes
// that are no UTF-8 become U+FFFD, and what `visible` would show is written as \u202e.
[[nodiscard]] std::string json_line(Value object);

}  // namespace baton::cli
