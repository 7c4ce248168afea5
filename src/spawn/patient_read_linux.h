#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "baton/base/error.h"

namespace baton::spawner {

/// `read_proc_file` for the files of a process that need its memory map: environ, cmdline, auxv,
/// smaps_rollup. Whoever holds that map holds all who read them, for as long as it likes; so a thread of its
/// own does it, and is left alone when `patience` is over: std::errc::timed_out. A process that was once
/// waited for in vain is not waited for again.
[[nodiscard]] Result<std::string> read_patiently(const std::string& path, size_t most,
                                                 std::chrono::milliseconds patience);

}  // namespace baton::spawner
