#include <array>

#include "sim/kernel_storm.h"
#include "sim/scenario.h"

namespace baton::sim {

// A list and not registration by static objects: the linker leaves those out of a library.
std::span<const Scenario> scenarios() {
  static constexpr std::array all{
      Scenario{"kernel", "processes that do anything with the model kernel", kernel_storm},
  };
  return all;
}

}  // namespace baton::sim
