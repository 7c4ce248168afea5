#pragma once

#include <expected>
#include <string>
#include <vector>

#include "baton/spawn/environment.h"

namespace baton::cli {

// What Node is to be given before the name of a TypeScript file, so that it runs it: nothing from Node 22.18
// on, or what loads the tsx or ts-node of the app. An error is what is missing. `node` is asked what it can
// do. tsx goes first: it takes more of the language than Node itself does.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> typescript_arguments(
    const std::string& node, const std::string& file, const std::string& directory,
    const Environment& environment);

}  // namespace baton::cli
