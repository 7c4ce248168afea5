#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "baton/supervisor/event.h"
#include "baton/supervisor/snapshot.h"
#include "cli/open_metrics.h"

namespace baton::cli {

// What /metrics says of a service.
class Figures {
 public:
  // CPU time counts on when a worker is gone.
  void on_event(const supervisor::Event& event);

  // How many have happened that change more than counters: what workers do wrong is not among them.
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

  // `workers` is what the kernel says of them, `self` what it says of this process.
  [[nodiscard]] std::string metrics(const supervisor::Snapshot& snapshot,
                                    const std::vector<supervisor::Usage>& workers,
                                    const supervisor::Usage& self) const;

 private:
  void of_workers(OpenMetrics& out, const std::vector<supervisor::Usage>& workers) const;

  std::uint64_t events_ = 0;
  std::map<unsigned, std::chrono::nanoseconds> cpu_of_the_gone_;  // by slot
};

}  // namespace baton::cli
