#pragma once

#include <cstddef>
#include <string>

namespace baton::cli {

// What the file of a program says of itself; "" and false for what is no such file, or cannot be read.

// How it begins: at most so many bytes.
[[nodiscard]] std::string head_of_file(const std::string& path, std::size_t most);
// Its first line, as far as the kernel looks at it.
[[nodiscard]] std::string first_line(const std::string& path);
// Who runs it, if it is a script: "/bin/sh", and what env(1) is to find: "node".
[[nodiscard]] std::string interpreter_of(const std::string& path);
// Whether it is a program of Baton's library, which takes a channel.
[[nodiscard]] bool is_baton_program(const std::string& path);

}  // namespace baton::cli
