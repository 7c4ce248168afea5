#include <array>

#include "sim/channel_storm.h"
#include "sim/cluster_storm.h"
#include "sim/kernel_storm.h"
#include "sim/scenario.h"
#include "sim/supervisor_storm.h"

namespace baton::sim {

// A list and not registration by static objects: the linker leaves those out of a library.
std::span<const Scenario> scenarios() {
  static constexpr std::array all{
      Scenario{"kernel", "processes that do anything with the model kernel", kernel_storm},
      Scenario{"batons", "hand-offs between Batons that know each other", batons_storm},
      Scenario{"silent-batons", "hand-offs between Batons under the rules of Node", silent_batons_storm},
      Scenario{"node", "hand-offs from and to Node", node_storm},
      Scenario{"byzantine", "hand-offs beside a worker that lies", byzantine_storm},
      Scenario{"supervisor", "N workers kept alive, reloaded, scaled and stopped", supervisor_storm},
      Scenario{"cluster", "a primary that hands connections to workers", cluster_storm},
      Scenario{"shared-cluster", "workers that accept from sockets of a primary's", shared_cluster_storm},
      Scenario{"cluster-turns", "undisturbed workers are served in turn", cluster_turns},
  };
  return all;
}

}  // namespace baton::sim
