#pragma once

#include <string>
#include <vector>

namespace baton::cli {

// `baton run`; the arguments are those after the verb. Returns the exit code.
[[nodiscard]] int run_verb(int argc, char** argv, const std::vector<std::string>& arguments);

}  // namespace baton::cli
