#pragma once

#include <string_view>

namespace baton::wire {

/// The double nearest to what a number of JSON's grammar says; beyond the range of doubles an infinity or a
/// zero.
[[nodiscard]] double read_number(std::string_view text) noexcept;

}  // namespace baton::wire
