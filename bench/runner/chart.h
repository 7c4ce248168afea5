#pragma once

#include <filesystem>
#include <vector>

#include "runner/table.h"

namespace bench {

/// Draws the lines as an SVG: a row for each, with a bar for Baton, for the bare program and for Node, each
/// row to its own scale. A line with a single figure has no bar to compare with and is left out.
void write_chart(const std::vector<Line>& lines, const std::filesystem::path& file);

}  // namespace bench
