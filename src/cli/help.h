#pragma once

#include <string_view>

namespace baton::cli {

// What `baton --help` and `baton run --help` print.
[[nodiscard]] std::string_view main_help();
[[nodiscard]] std::string_view run_help();

}  // namespace baton::cli
