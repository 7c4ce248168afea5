#pragma once

#include <expected>
#include <string>
#include <vector>

#include "baton/spawn/environment.h"

namespace baton::cli {

// How the PROGRAM of the command line is started.
struct Program {
  std::string module;  // a file, with a '/', or a script of Node's
  std::vector<std::string> arguments;
  std::string interpreter;  // of a script
  std::vector<std::string> interpreter_arguments;
  std::string name;  // for people
};

// Why it cannot be: a line, and the exit code that a shell would give.
struct CannotRun {
  int code;  // 126: not executable, 127: not found
  std::string text;
};

// Finds what `words` (PROGRAM and its arguments) name, as it will be seen from `directory` ("": this one)
// with `environment`: a file there, or a name in PATH. Scripts for Node, and whatever is run by an
// `interpreter` that was named, need only be readable.
[[nodiscard]] std::expected<Program, CannotRun> find_program(const std::vector<std::string>& words,
                                                             const std::string& interpreter,
                                                             const std::string& directory,
                                                             const Environment& environment);

}  // namespace baton::cli
