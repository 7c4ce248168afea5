#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "baton/base/error.h"

namespace baton::spawner {

/// For whom something is read, which decides whose places it may fill.
struct ReadFor {
  enum class Purpose { table, tree, holder };
  Purpose purpose;
  pid_t of;  ///< whose places they are, of those for that purpose; 0: nobody's in particular

  bool operator==(const ReadFor&) const = default;
  static constexpr size_t most_held = 4;                ///< of one
  static constexpr size_t most_held_for_purpose = 128;  ///< of all
};

/// What is kept of a text; asked by the thread that has read it, so that many long ones take no memory.
using Keep = std::function<std::string(std::string text)>;

/// `read_proc_file` for the files of a process that need its memory map: environ, cmdline, auxv,
/// smaps_rollup. Whoever holds that map holds all who read them, for as long as it likes; so a thread of its
/// own does it, and is left alone when `patience` is over: std::errc::timed_out. A process that was once
/// waited for in vain is not waited for again. Threads that were left alone fill the places of those for whom
/// they read, and nobody else's; who has none is not waited for either.
[[nodiscard]] Result<std::string> read_patiently(const std::string& path, size_t most,
                                                 std::chrono::milliseconds patience, const ReadFor& whom);
/// The same for many, by one thread, or one more for each that holds it. Patience is for each. Where there is
/// no memory for one: std::errc::not_enough_memory.
[[nodiscard]] std::vector<Result<std::string>> read_each_patiently(const std::vector<std::string>& paths,
                                                                   size_t most,
                                                                   std::chrono::milliseconds patience,
                                                                   const ReadFor& whom,
                                                                   const Keep& keep = nullptr);

}  // namespace baton::spawner
