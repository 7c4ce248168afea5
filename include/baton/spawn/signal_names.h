#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace baton {

/// "SIGTERM" for 15; "SIGRTMIN+3" for a real-time signal; "signal 99" for a number that names none.
[[nodiscard]] std::string signal_name(int number);

/// The number of a signal named "SIGTERM", "TERM", "15", "SIGRTMIN+3" or "RTMAX-1", in either case; nothing
/// if there is no such signal (0, which signals nothing, is none).
[[nodiscard]] std::optional<int> signal_number(std::string_view name);

}  // namespace baton
