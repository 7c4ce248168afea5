#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace baton::wire {

/// Bytes as a text of as many characters (U+0000 to U+00FF), in UTF-8: what a JSON string can carry.
[[nodiscard]] std::string text_of_bytes(std::string_view bytes);
/// The bytes again; nothing if the text has another character.
[[nodiscard]] std::optional<std::string> bytes_of_text(std::string_view text);

}  // namespace baton::wire
