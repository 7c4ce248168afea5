#pragma once

#include <sys/types.h>

#include <fstream>
#include <string>
#include <vector>

/// What /proc tells of processes.
namespace bench {

/// The children of a process.
inline std::vector<pid_t> children_of(pid_t pid) {
  const std::string name = std::to_string(pid);
  std::ifstream file("/proc/" + name + "/task/" + name + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

/// Memory that no other process maps.
inline double private_kib(pid_t pid) {
  std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
  double sum = 0;
  std::string name;
  while (rollup >> name) {
    double kib = 0;
    if (name == "Private_Clean:" || name == "Private_Dirty:") rollup >> kib;
    sum += kib;
  }
  return sum;
}

/// Microseconds on a processor of a process and all its living descendants, exact while they sleep.
inline double tree_cpu_us(pid_t pid) {
  double ns = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/schedstat") >> ns;
  double sum = ns / 1e3;
  for (const pid_t child : children_of(pid)) sum += tree_cpu_us(child);
  return sum;
}

}  // namespace bench
