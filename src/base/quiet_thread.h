#pragma once

#include <functional>

namespace baton {

/// A little one (1 MiB) is for what goes no deeper than calls of the system: so there are threads also where
/// little memory may be had. The usual one is for values, which nest.
enum class QuietStack { little, usual };

/// Starts a thread that nobody waits for and that gets no signal: those of the process are the loop's. Throws
/// std::system_error where there can be no thread. What `body` throws ends the process: whoever waits for
/// what it does has to be told.
void start_quiet_thread(std::move_only_function<void()> body, QuietStack stack = QuietStack::little);

}  // namespace baton
