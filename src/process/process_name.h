#pragma once

#include <string>

namespace baton {

/// Names this process "program: entry", or "program" without an entry: for `ps`, `top` and its own last line.
/// `arg0` is what it was started as: a path, or such a name.
void name_process(const std::string& arg0, const std::string& entry);
/// The program's part of it, and the whole.
[[nodiscard]] const std::string& program_name();
[[nodiscard]] const std::string& process_name();

}  // namespace baton
