#pragma once

#include <functional>

namespace baton {

/// Starts a thread that nobody waits for and that gets no signal: those of the process are the loop's. Throws
/// std::system_error where there can be no thread.
void start_quiet_thread(std::move_only_function<void()> body);

}  // namespace baton
