#pragma once

#include <optional>

#include "sim/scenario.h"

namespace baton::sim {

/// Processes that do anything at all with the model kernel: what they must find is what a stream promises,
/// and that no reference is ever miscounted.
std::optional<Failure> kernel_storm(Random& random);

}  // namespace baton::sim
