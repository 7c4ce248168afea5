#pragma once

#include <string>
#include <string_view>

#include "baton/net/endpoint.h"
#include "cli/units.h"

namespace baton::cli {

// "127.0.0.1:80", "[::1]:80", "localhost:80" (names are looked up now), ":80" and "80" (every address, IPv6
// too where the machine has it), "unix:/path".
[[nodiscard]] Parsed<net::Endpoint> parse_address(std::string_view text);

}  // namespace baton::cli
