#pragma once

#include <span>

namespace baton::cli {

// From here on the process ignores every signal that would end it and that means nothing to it: an alarm, a
// profiler's, one that tells other programs to open their logs anew, an order that it has no handler for.
// What shows a fault of its own stays as it is, what somebody has put in place of the default too, and the
// `meant`.
void ignore_stray_signals(std::span<const int> meant = {});

}  // namespace baton::cli
