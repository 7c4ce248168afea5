#pragma once

#include <algorithm>
#include <string_view>

namespace baton {

/// Whether a file's name says that it is TypeScript.
[[nodiscard]] inline bool is_typescript(std::string_view file) {
  return file.ends_with(".ts") || file.ends_with(".mts") || file.ends_with(".cts");
}

/// Whether a file's name says that it is a script for Node.
[[nodiscard]] inline bool is_script(std::string_view file) {
  return file.ends_with(".js") || file.ends_with(".mjs") || file.ends_with(".cjs") || is_typescript(file);
}

}  // namespace baton
