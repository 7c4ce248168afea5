#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "baton/base/fd.h"
#include "spawn/elf_segments_linux.h"
#include "spawn/exec_search.h"

namespace baton::spawner {
namespace {

std::string in_directory(const std::string& directory, const std::string& file) {
  if (file.starts_with('/') || directory.empty()) return file;
  return directory + "/" + file;
}

bool can_execute(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

// The first word after "#!".
std::string script_interpreter(std::string_view head) {
  head = head.substr(2, head.find('\n') - 2);
  head.remove_prefix(std::min(head.find_first_not_of(" \t"), head.size()));
  return std::string(head.substr(0, head.find_first_of(" \t")));
}

}  // namespace

std::string search_path(const Environment& environment) {
  if (auto path = environment.get("PATH")) return std::string(*path);
  std::array<char, 256> text{};
  const size_t size = ::confstr(_CS_PATH, text.data(), text.size());
  return size > 0 && size <= text.size() ? std::string(text.data()) : "/bin:/usr/bin";
}

std::vector<std::string> exec_candidates(const std::string& file, const Environment& environment) {
  if (file.empty() || file.find('/') != std::string::npos) return {file};
  std::vector<std::string> result;
  const std::string path = search_path(environment);
  size_t start = 0;
  for (;;) {
    const size_t end = std::min(path.find(':', start), path.size());
    // An empty element is the current directory; named as ".", so that a file "-x" is no option of the shell.
    const std::string directory = end > start ? path.substr(start, end - start) : ".";
    result.push_back(directory + "/" + file);
    if (end == path.size()) return result;
    start = end + 1;
  }
}

std::string missing_interpreter(const std::string& file, const std::string& directory) {
  const std::string path = in_directory(directory, file);
  if (!can_execute(path)) return {};
  // Not blocking: a name may be a FIFO's.
  const Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about{};
  if (!opened || ::fstat(opened.get(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
  constexpr size_t as_much_as_the_kernel_looks_at = 256;
  std::string head(as_much_as_the_kernel_looks_at, '\0');
  head.resize(static_cast<size_t>(std::max<ssize_t>(::pread(opened.get(), head.data(), head.size(), 0), 0)));
  std::string interpreter;
  if (head.starts_with("#!")) interpreter = script_interpreter(head);
  // The loader of a program for this machine; a static one has none.
  const auto loaders = elf_segments(opened, head, PT_INTERP, PATH_MAX);
  if (!loaders.empty()) interpreter = loaders.front().c_str();
  if (interpreter.empty() || can_execute(in_directory(directory, interpreter))) return {};
  return interpreter;
}

}  // namespace baton::spawner
