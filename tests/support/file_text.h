#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace baton::test {

/// All that stands in a file; empty if it cannot be read.
inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace baton::test
