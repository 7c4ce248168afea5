#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/units.h"

namespace baton::cli {

// An env file may have so many bytes; the kernel takes less for a whole environment.
inline constexpr std::size_t largest_env_file = std::size_t{4} << 20;

using Variables = std::vector<std::pair<std::string, std::string>>;

// KEY=VALUE, a key that is not empty.
[[nodiscard]] Parsed<std::pair<std::string, std::string>> parse_variable(std::string_view text);

// The variables of a file: KEY=VALUE lines, perhaps with `export` before; empty lines and those that begin
// with # are passed over, and so is what follows a # after a space. A value may be quoted: 'as it stands', or
// "with \n, \r, \t, \\, \" and \$"; both may go over several lines. Nothing is expanded. An error names the
// line.
[[nodiscard]] Parsed<Variables> parse_env_file(std::string_view text);

// The same for the file at `path`; errors name it.
[[nodiscard]] Parsed<Variables> read_env_file(const std::string& path);

}  // namespace baton::cli
