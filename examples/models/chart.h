#pragma once

#include <string>
#include <vector>

#include "models/row.h"

namespace models {

/// An SVG: a block for each load, in it a row for each model with a bar for requests/s, for the p99 and for
/// memory. Each block has its own scales.
std::string chart_of(const std::vector<Row>& rows, bool keep_alive);

}  // namespace models
