#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "cli/cannot_run.h"
#include "cli/program_file.h"

namespace baton::cli {
namespace {

std::optional<unsigned> machine_of(const std::string& path) {
  Elf32_Ehdr header;  // up to the machine both kinds are the same
  const std::string head = head_of_file(path, sizeof header);
  if (head.size() < sizeof header || !head.starts_with(ELFMAG)) return std::nullopt;
  std::memcpy(&header, head.data(), sizeof header);
  constexpr bool little = std::endian::native == std::endian::little;
  const bool same_order = (header.e_ident[EI_DATA] == ELFDATA2LSB) == little;
  return same_order ? header.e_machine : __builtin_bswap16(header.e_machine);
}

std::string name_of_machine(unsigned machine) {
  constexpr std::pair<unsigned, const char*> names[] = {
      {EM_386, "i386"},    {EM_X86_64, "x86_64"}, {EM_ARM, "arm"},    {EM_AARCH64, "aarch64"},
      {EM_RISCV, "riscv"}, {EM_PPC64, "ppc64"},   {EM_S390, "s390x"}, {EM_MIPS, "mips"}};
  const auto* found = std::ranges::find(names, machine, [](const auto& one) { return one.first; });
  return found == std::end(names) ? "machine " + std::to_string(machine) : found->second;
}

// Somebody may have told the kernel what runs them: qemu, above all.
bool kernel_may_run_others() {
  std::error_code ignored;
  const std::filesystem::directory_iterator entries("/proc/sys/fs/binfmt_misc", ignored);
  return std::any_of(begin(entries), end(entries), [](const auto& entry) {
    return entry.path().filename() != "register" && entry.path().filename() != "status";
  });
}

}  // namespace

std::string foreign_machine(const std::string& path) {
  const auto theirs = machine_of(path);
  const auto ours = machine_of("/proc/self/exe");
  if (!theirs || !ours || *theirs == *ours) return {};
  const bool older = (*theirs == EM_386 && *ours == EM_X86_64) || (*theirs == EM_ARM && *ours == EM_AARCH64);
  return older || kernel_may_run_others() ? "" : name_of_machine(*theirs);
}

bool has_windows_line_end(const std::string& path) {
  const std::string line = first_line(path);
  if (!line.starts_with("#!") || !line.ends_with('\r')) return false;
  // Others may take it as a blank behind their last argument.
  const std::size_t words = line.find_first_not_of(" \t", 2);
  return words != line.npos && (line.contains("/env ") || line.find_first_of(" \t", words) == line.npos);
}

std::string how_to_run_script(const std::string& path, const std::string& name) {
  const std::string interpreter = interpreter_of(path);
  if (!interpreter.empty()) return "`chmod +x " + name + "`, or --interpreter " + interpreter;
  constexpr std::pair<const char*, const char*> languages[] = {{".py", "python3"}, {".sh", "sh"},
                                                               {".rb", "ruby"},    {".php", "php"},
                                                               {".pl", "perl"},    {".jar", "java -jar"}};
  for (const auto& [ending, language] : languages) {
    if (name.ends_with(ending)) return "`baton run " + std::string(language) + " " + name + "`";
  }
  return {};
}

}  // namespace baton::cli
