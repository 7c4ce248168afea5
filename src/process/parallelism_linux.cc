#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "baton/process/process.h"

namespace baton {
namespace {

// The CPU quota of one cgroup (v2), in processors; infinite if it has none.
double quota_of(const std::string& cgroup) {
  std::ifstream limit("/sys/fs/cgroup" + cgroup + "/cpu.max");
  std::string quota;
  double period = 0;
  if (limit >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
  return std::numeric_limits<double>::infinity();
}

// What this process's cgroup and those above it allow.
double cgroup_quota() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line;
  double least = std::numeric_limits<double>::infinity();
  while (std::getline(groups, line)) {
    if (!line.starts_with("0::")) continue;
    std::string cgroup = line.substr(3);
    for (; !cgroup.empty(); cgroup.resize(cgroup.rfind('/'))) {
      least = std::min(least, quota_of(cgroup));
      if (!cgroup.contains('/')) break;
    }
  }
  return least;
}

}  // namespace

unsigned available_parallelism() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  unsigned processors = std::thread::hardware_concurrency();
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) processors = static_cast<unsigned>(CPU_COUNT(&mask));
  const double quota = std::ceil(cgroup_quota());
  if (quota < processors) processors = static_cast<unsigned>(quota);
  return std::max(processors, 1U);
}

}  // namespace baton
