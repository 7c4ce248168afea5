#pragma once

#include <string>
#include <string_view>

namespace baton {

/// @{
/// A text from a stranger, safe to show: control characters as \x1b (a tab stays), those beyond ASCII, and
/// what turns the order of a text around or cannot be seen, as \u202e or \U000e0001, bytes that are no UTF-8
/// as \xff.
[[nodiscard]] std::string visible(std::string_view text);
void append_visible(std::string& out, std::string_view text);
/// @}
/// Such an escape of a code point: \u202e or \U000e0001.
void append_escape(std::string& out, unsigned code);
/// Whether a character beyond ASCII is one of those.
[[nodiscard]] bool is_hidden(unsigned code);

}  // namespace baton
