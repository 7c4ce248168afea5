#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "baton/spawn/environment.h"

namespace baton::spawner {

/// The files that execvp(3) would try for `file`, in order, at least one: itself if it has a '/', else one in
/// each directory of the environment's PATH, or of the system's default path if there is no PATH.
[[nodiscard]] std::vector<std::string> exec_candidates(const std::string& file,
                                                       const Environment& environment);

/// The path that `exec_candidates` searches.
[[nodiscard]] std::string search_path(const Environment& environment);

/// The interpreter that `file` asks for (by `#!`, or the loader of an ELF program), if it cannot be executed;
/// "" if that is not what is wrong. A relative name is looked up in `directory`.
[[nodiscard]] std::string missing_interpreter(const std::string& file, const std::string& directory);

}  // namespace baton::spawner
