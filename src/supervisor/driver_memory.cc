// How a driver sees how much memory its workers have.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/driver.h"
#include "supervisor/memory_watch.h"

namespace baton::supervisor {

void Driver::measure_memory() {
  if (memory_looks_.busy()) return;
  std::vector<UsageLooks::Whom> whom;
  for (const auto& [id, run] : runs_) {
    if (run.ready_at && !run.told_at && run.lives()) whom.emplace_back(run.slot, run.pid);
  }
  if (whom.empty()) return;
  memory_looks_.measure(whom, [this](const std::vector<Usage>& all) {
    const auto self = shared_from_this();
    for (const Usage& one : all) {
      const auto run = std::ranges::find_if(
          runs_, [&](const auto& entry) { return entry.second.pid == one.pid() && entry.second.lives(); });
      if (run != runs_.end() && one.rss()) note_memory(run->first, *one.rss());
    }
  });
}

Op<std::vector<Usage>> Driver::usage() {
  Promise<std::vector<Usage>>& promise = usage_waits_.emplace_back(loop_, "usage");
  auto op = promise.op();
  if (usage_looks_.busy()) return op;
  std::vector<UsageLooks::Whom> whom;
  for (const auto& [id, run] : runs_) {
    if (run.pid != 0 && !run.collected()) whom.emplace_back(run.slot, run.pid);
  }
  std::ranges::sort(whom);
  usage_looks_.measure(whom, [this](const std::vector<Usage>& all) {
    for (auto& one : std::exchange(usage_waits_, {})) one.resolve(all);
  });
  return op;
}

void Driver::note_memory(WorkerId id, uint64_t bytes) {
  const auto is_to_go = [this, id] {
    const auto found = runs_.find(id);
    return found != runs_.end() && !found->second.told_at && found->second.lives();
  };
  if (phase_ != Phase::running || !is_to_go()) return;
  WorkerRun& run = runs_.at(id);
  if (!run.memory.measured(bytes, *options_.max_memory(), now())) return;
  tell_event(Event(EventKind::problem)
                 .worker(run.slot, run.pid)
                 .text(std::to_string(bytes) + " bytes resident, more than max_memory (" +
                       std::to_string(*options_.max_memory()) + "), for 5 s: it is replaced"));
  look_at_ports(0, [this, id, is_to_go] {
    if (is_to_go()) machine_.replace(id, now());
  });
}

}  // namespace baton::supervisor
