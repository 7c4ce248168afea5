#include "spawn/elf_segments_linux.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace baton::spawner {
namespace {

std::string read_at(const Fd& file, size_t size, off_t offset) {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), size, offset);
  bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return bytes;
}

}  // namespace

std::vector<std::string> elf_segments(const Fd& file, std::string_view head, uint32_t type, size_t most) {
  ElfW(Ehdr) header;
  if (!head.starts_with(ELFMAG) || head.size() < sizeof header) return {};
  std::memcpy(&header, head.data(), sizeof header);
  if (header.e_phentsize != sizeof(ElfW(Phdr))) return {};
  constexpr size_t most_segments = 64;
  const size_t count = std::min<size_t>(header.e_phnum, most_segments);
  const std::string table = read_at(file, count * sizeof(ElfW(Phdr)), static_cast<off_t>(header.e_phoff));
  std::vector<std::string> contents;
  for (size_t i = 0; (i + 1) * sizeof(ElfW(Phdr)) <= table.size(); ++i) {
    ElfW(Phdr) segment;
    std::memcpy(&segment, table.data() + i * sizeof segment, sizeof segment);
    if (segment.p_type != type) continue;
    contents.push_back(
        read_at(file, std::min<size_t>(segment.p_filesz, most), static_cast<off_t>(segment.p_offset)));
  }
  return contents;
}

}  // namespace baton::spawner
