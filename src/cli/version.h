#pragma once

#include <string_view>

namespace baton::cli {

[[nodiscard]] constexpr std::string_view version() { return BATON_VERSION; }

}  // namespace baton::cli
