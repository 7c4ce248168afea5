#pragma once

#include <string>
#include <vector>

namespace baton::cli {

// What the package.json of a folder tells people to write.

// How to run what is in the folder `path`, which was named so: "what it starts is server.js: `baton run
// ...`";
// "" if it does not say.
[[nodiscard]] std::string how_to_run_folder(const std::string& path, const std::string& name);

// What to say of `npm start`, `yarn dev`, `pnpm run start` and the like, which start the program beside
// themselves; "" of anything else. `directory`: where it is run; "" is here.
[[nodiscard]] std::string about_package_script(const std::vector<std::string>& words,
                                               const std::string& directory);

}  // namespace baton::cli
