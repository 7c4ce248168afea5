#include "models/memory.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace models {
namespace {

double pss_kib(const std::string& folder) {
  std::ifstream rollup(folder + "/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Pss:")) return std::stod(line.substr(4));
  }
  return 0;
}

void add(pid_t process, Footprint& sum) {
  const std::string folder = "/proc/" + std::to_string(process);
  std::error_code gone;
  std::filesystem::directory_iterator threads(folder + "/task", gone);
  if (gone) return;
  ++sum.processes;
  sum.mib += pss_kib(folder) / 1024;
  // A child is named by the thread that made it. Threads end while we look.
  for (; !gone && threads != std::filesystem::directory_iterator(); threads.increment(gone)) {
    ++sum.threads;
    std::ifstream children(threads->path() / "children");
    for (pid_t child = 0; children >> child;) add(child, sum);
  }
}

}  // namespace

Footprint footprint_of(pid_t process) {
  Footprint sum;
  add(process, sum);
  return sum;
}

}  // namespace models
