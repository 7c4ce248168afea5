#pragma once

#include <chrono>
#include <string>

namespace baton::supervisor {

/// "80 ms", "1.5 s", "2 min": for people.
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds time);

}  // namespace baton::supervisor
