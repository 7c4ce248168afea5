#pragma once

#include <string_view>

#include "baton/supervisor/options.h"
#include "cli/units.h"

namespace baton::cli {

// What --listen says: an address, perhaps with a name before it ("http=:80"; without one it is "unknown", as
// systemd has it). "udp:ADDR" is of UDP; behind the path of a Unix-domain socket may stand ",mode=660",
// ",owner=USER" and ",group=GROUP".
[[nodiscard]] Parsed<supervisor::ListenSocket> parse_listen(std::string_view text);

}  // namespace baton::cli
