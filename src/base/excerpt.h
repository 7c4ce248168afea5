#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace baton {

/// How much of a text from a peer stands in a line that people read.
inline constexpr std::size_t longest_excerpt = 1024;

/// The text, or its beginning and how long it is: "Lorem ipsum ... (5242880 bytes)". No UTF-8 character is
/// cut.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t longest = longest_excerpt);

}  // namespace baton
