#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "baton/supervisor/snapshot.h"

namespace baton::cli {

// What /status says of a service of that name, which began so long ago: a line of JSON. `usage` is what the
// workers use, as far as that is known.
[[nodiscard]] std::string status_text(const supervisor::Snapshot& snapshot,
                                      const std::vector<supervisor::Usage>& usage, std::string_view name,
                                      std::chrono::milliseconds uptime);

}  // namespace baton::cli
