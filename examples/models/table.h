#pragma once

#include <string>
#include <vector>

#include "models/row.h"
#include "models/settings.h"

namespace models {

/// "each answer waits 5 ms, a connection for each request".
std::string describe_load(int think_ms, bool keep_alive);
/// Three digits that count; "> " before a time that a request has waited which still waits.
std::string number_of(double value);
std::string p99_of(const Row& row);

/// @{
/// The table on standard output, line by line as they come.
void print_heading(int think_ms, bool keep_alive);
void print_row(const Row& row);
/// @}

/// All rows as one JSON text.
std::string json_of(const std::vector<Row>& rows, const Settings& settings);

}  // namespace models
