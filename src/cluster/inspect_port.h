#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cluster {

/// What a worker's `exec_args` need beside what they are, so that its inspector does not listen where another
/// one's does: "--inspect-port=9230" for the first one, then 9231 and so on, counted from the port that is
/// asked for (9229). Nothing if nobody asked for an inspector, or for any port (0). Mirrors what Node's
/// `cluster.fork` adds.
[[nodiscard]] std::optional<std::string> inspect_port_argument(const std::vector<std::string>& exec_args,
                                                               std::string_view node_options,
                                                               unsigned worker);

}  // namespace baton::cluster
