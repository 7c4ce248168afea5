#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

#include "baton/base/fd.h"
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

std::string read_at(const Fd& file, size_t size, off_t offset) {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), size, offset);
  bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return bytes;
}

// The first word after "#!".
std::string script_interpreter(std::string_view head) {
  head = head.substr(2, head.find('\n') - 2);
  head.remove_prefix(std::min(head.find_first_not_of(" \t"), head.size()));
  return std::string(head.substr(0, head.find_first_of(" \t")));
}

// The loader of a program for this machine; "" for a static one.
std::string elf_interpreter(const Fd& file, std::string_view head) {
  ElfW(Ehdr) header;
  if (head.size() < sizeof header) return {};
  std::memcpy(&header, head.data(), sizeof header);
  if (header.e_phentsize != sizeof(ElfW(Phdr))) return {};
  constexpr size_t most_segments = 64;
  const size_t count = std::min<size_t>(header.e_phnum, most_segments);
  const std::string table = read_at(file, count * sizeof(ElfW(Phdr)), static_cast<off_t>(header.e_phoff));
  for (size_t i = 0; (i + 1) * sizeof(ElfW(Phdr)) <= table.size(); ++i) {
    ElfW(Phdr) segment;
    std::memcpy(&segment, table.data() + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_INTERP) continue;
    const std::string name =
        read_at(file, std::min<size_t>(segment.p_filesz, PATH_MAX), static_cast<off_t>(segment.p_offset));
    return name.c_str();
  }
  return {};
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
  const std::string head = read_at(opened, as_much_as_the_kernel_looks_at, 0);
  std::string interpreter;
  if (head.starts_with("#!")) interpreter = script_interpreter(head);
  if (head.starts_with(ELFMAG)) interpreter = elf_interpreter(opened, head);
  if (interpreter.empty() || can_execute(in_directory(directory, interpreter))) return {};
  return interpreter;
}

}  // namespace baton::spawner
