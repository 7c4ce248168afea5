#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string_view>

#include "baton/base/fd.h"
#include "cli/program_file.h"
#include "process/program_note.h"
#include "spawn/elf_segments_linux.h"

namespace baton::cli {
namespace {

constexpr std::size_t as_much_as_the_kernel_looks_at = 256;
constexpr std::size_t longest_notes = std::size_t{64} << 10;

Fd open_file(const std::string& path) {
  // Not blocking: a name may be a FIFO's.
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about{};
  if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) file.reset();
  return file;
}

std::string head_of(const Fd& file, std::size_t most) {
  std::string bytes(most, '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

// Each note begins at a multiple of 4.
bool has_our_note(std::string_view notes) {
  const ProgramNote ours;
  const auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
  for (std::array<std::uint32_t, 3> sizes; notes.size() >= sizeof sizes;) {
    std::memcpy(sizes.data(), notes.data(), sizeof sizes);
    notes.remove_prefix(sizeof sizes);
    const auto& [name_size, text_size, type] = sizes;
    const std::string_view name = notes.substr(0, name_size);
    if (type == ours.type && name == std::string_view(ours.name, ours.name_size)) return true;
    notes.remove_prefix(std::min(padded(name_size) + padded(text_size), notes.size()));
  }
  return false;
}

// What env(1) is to start: behind its options and variables.
std::string behind_env(std::istringstream& words) {
  std::string word;
  while (words >> word) {
    if (!word.starts_with('-') && !word.contains('=')) return word;
  }
  return {};
}

}  // namespace

std::string head_of_file(const std::string& path, std::size_t most) {
  const Fd file = open_file(path);
  return file ? head_of(file, most) : "";
}

std::string first_line(const std::string& path) {
  const std::string head = head_of_file(path, as_much_as_the_kernel_looks_at);
  return head.substr(0, head.find('\n'));
}

std::string interpreter_of(const std::string& path) {
  const std::string line = first_line(path);
  if (!line.starts_with("#!")) return {};
  std::istringstream words(line.substr(2));
  std::string interpreter;
  words >> interpreter;
  return interpreter.ends_with("/env") ? behind_env(words) : interpreter;
}

bool is_baton_program(const std::string& path) {
  const Fd file = open_file(path);
  if (!file) return false;
  const auto notes =
      spawner::elf_segments(file, head_of(file, as_much_as_the_kernel_looks_at), PT_NOTE, longest_notes);
  return std::ranges::any_of(notes, has_our_note);
}

}  // namespace baton::cli
