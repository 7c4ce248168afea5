#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace baton::http {

// Header fields as the lines that they will be on the wire, in one text.

// Throws std::invalid_argument for a name that is no token or a value with control characters: a CR LF in
// there would end the line, and what follows would be somebody else's.
void check_field(std::string_view name, std::string_view value);
void append_field(std::string& lines, std::string_view name, std::string_view value);
// Every field of that name, in whatever case.
void remove_field(std::string& lines, std::string_view name);
[[nodiscard]] bool has_field(std::string_view lines, std::string_view name) noexcept;

void append_number(std::string& out, std::uint64_t number, int base = 10);

}  // namespace baton::http
