#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "baton/supervisor/snapshot.h"
#include "spawn/proc_file_linux.h"

namespace baton::supervisor {

using spawner::labelled_number;
using spawner::read_proc_file;
using spawner::StatFields;
namespace {

using std::chrono::nanoseconds;

nanoseconds from_ticks(uint64_t ticks) {
  static const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::seconds(ticks / per_second) +
         nanoseconds(ticks % per_second * (uint64_t{1'000'000'000} / per_second));
}

std::optional<uint64_t> entries_in(const std::string& folder_name) {
  const std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })> folder(
      ::opendir(folder_name.c_str()));
  if (!folder) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) count += entry->d_name[0] == '.' ? 0 : 1;
  return count;
}

std::optional<uint64_t> kilobytes(std::string_view text, std::string_view name) {
  const auto number = labelled_number(text, name);
  return number ? std::optional(*number * 1024) : std::nullopt;
}

std::optional<nanoseconds> boot_time() {
  const auto stat = read_proc_file("/proc/stat");
  if (!stat) return std::nullopt;
  const size_t at = stat->find("\nbtime ");
  if (at == std::string::npos) return std::nullopt;
  return std::chrono::seconds(std::stoll(stat->substr(at + 7, 20)));
}

// "Max open files            1024                 4096                 files": the soft limit.
std::optional<uint64_t> descriptor_limit(const std::string& limits) {
  constexpr std::string_view name = "Max open files";
  const size_t at = limits.find(name);
  if (at == std::string::npos) return std::nullopt;
  const size_t digits = limits.find_first_not_of(' ', at + name.size());
  if (digits == std::string::npos || limits[digits] < '0' || limits[digits] > '9') return std::nullopt;
  return std::stoull(limits.substr(digits, 20));
}

}  // namespace

Usage Usage::brief(pid_t pid, unsigned slot) {
  Usage usage;
  usage.slot_ = slot;
  usage.pid_ = pid;
  const auto stat = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return usage;
  const StatFields fields(*stat);
  const auto user = fields.number(14);
  const auto system = fields.number(15);
  if (user && system) usage.cpu_ = from_ticks(*user + *system);
  usage.virtual_memory_ = fields.number(23);
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (const auto pages = fields.number(24)) usage.rss_ = *pages * page;
  return usage;
}

Usage Usage::of(pid_t pid, unsigned slot) {
  Usage usage = brief(pid, slot);
  const std::string folder = "/proc/" + std::to_string(pid);
  if (const auto stat = read_proc_file(folder + "/stat")) {
    const auto started = StatFields(*stat).number(22);
    const auto boot = boot_time();
    if (started && boot) usage.start_time_ = *boot + from_ticks(*started);
  }
  if (const auto memory = read_proc_file(folder + "/smaps_rollup")) {
    if (const auto rss = kilobytes(*memory, "Rss")) usage.rss_ = rss;
    usage.pss_ = kilobytes(*memory, "Pss");
  }
  usage.open_fds_ = entries_in(folder + "/fd");
  if (const auto limits = read_proc_file(folder + "/limits")) usage.max_fds_ = descriptor_limit(*limits);
  return usage;
}

}  // namespace baton::supervisor
