#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include "baton/process/process.h"

namespace baton {
namespace {

// The CPU quota of this process's cgroup (v2), in processors; 0 if there is none.
double cgroup_quota() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line;
  while (std::getline(groups, line)) {
    if (!line.starts_with("0::")) continue;
    std::ifstream limit("/sys/fs/cgroup" + line.substr(3) + "/cpu.max");
    std::string quota;
    double period = 0;
    if (limit >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
  }
  return 0;
}

}  // namespace

unsigned available_parallelism() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  unsigned processors = std::thread::hardware_concurrency();
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) processors = static_cast<unsigned>(CPU_COUNT(&mask));
  const double quota = cgroup_quota();
  if (quota > 0) processors = std::min(processors, static_cast<unsigned>(std::ceil(quota)));
  return std::max(processors, 1U);
}

}  // namespace baton
