#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "baton/supervisor/snapshot.h"

namespace baton::cli {

// What /status says of a service of that name, which began so long ago: a line of JSON.
[[nodiscard]] std::string status_text(const supervisor::Snapshot& snapshot, std::string_view name,
                                      std::chrono::milliseconds uptime);

}  // namespace baton::cli
