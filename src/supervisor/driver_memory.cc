// How a driver sees how much memory its workers have.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spawn/look_linux.h"
#include "supervisor/driver.h"
#include "supervisor/memory_watch.h"

namespace baton::supervisor {
namespace {

constexpr std::chrono::milliseconds measure_patience(2000);

}  // namespace

void Driver::measure_memory() {
  if (memory_look_) return;
  struct Measured {
    std::vector<std::pair<WorkerId, pid_t>> whom;
    std::vector<std::optional<uint64_t>> bytes = {};
  };
  const auto measured = std::make_shared<Measured>();
  for (const auto& [id, run] : runs_) {
    if (run.ready_at && !run.told_at && run.lives()) measured->whom.emplace_back(id, run.pid);
  }
  memory_look_ = spawner::Look(
      loop_, spawner::Lane::ports, measure_patience,
      [measured] {
        for (const auto& [id, pid] : measured->whom) measured->bytes.push_back(resident_bytes(pid));
      },
      [this, measured](bool in_time) {
        const auto self = shared_from_this();
        if (!in_time) return;
        for (std::size_t i = 0; i < measured->whom.size(); ++i) {
          if (measured->bytes[i]) note_memory(measured->whom[i].first, *measured->bytes[i]);
        }
      });
  memory_look_.unref();
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
