#include <unistd.h>

#include <string>

#include "spawn/proc_file_linux.h"
#include "supervisor/brief_usage.h"

namespace baton::supervisor {

BriefUsage brief_usage(pid_t pid) {
  BriefUsage usage;
  const auto stat = spawner::read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return usage;
  const spawner::StatFields fields(*stat);
  const auto user = fields.number(14);
  const auto system = fields.number(15);
  const auto ticks_a_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  if (user && system) {
    usage.cpu = std::chrono::milliseconds((*user + *system) * 1000 / ticks_a_second);
  }
  if (const auto pages = fields.number(24)) {
    usage.resident = *pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return usage;
}

}  // namespace baton::supervisor
