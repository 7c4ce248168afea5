#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

// A driver starts programs of this build. It is built once and tries the optimised programs and the sanitized
// ones: BATON_PROGRAMS names the folder of those to try, BATON_SANITIZED_PROGRAMS that of sanitized ones.
namespace baton::test {

/// The folder of the programs to try: the driver's own when nothing else is said.
inline std::string programs() {
  const char* folder = std::getenv("BATON_SANITIZED_PROGRAMS");
  if (folder == nullptr) folder = std::getenv("BATON_PROGRAMS");
  return folder != nullptr ? folder : std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

/// The path of one of them.
inline std::string built(const std::string& name) { return programs() + "/" + name; }

/// Whether they are built with AddressSanitizer, which needs time and memory of its own.
inline bool sanitized() {
#ifdef __SANITIZE_ADDRESS__
  return true;
#else
  return std::getenv("BATON_SANITIZED_PROGRAMS") != nullptr;
#endif
}

}  // namespace baton::test
