#pragma once

#include <string>

namespace baton::cli {

// What is wrong with files that people nearly can run, for the line that says so; "" if it is not that.

// The machine that an ELF program is for, if it is not this one and nobody here runs its programs: "aarch64".
[[nodiscard]] std::string foreign_machine(const std::string& path);
// Whether the first line of a script names its interpreter with the end of line of Windows.
[[nodiscard]] bool has_windows_line_end(const std::string& path);
// How to run a script that is not executable: "chmod +x bin/www, or --interpreter node".
[[nodiscard]] std::string how_to_run_script(const std::string& path, const std::string& name);

}  // namespace baton::cli
