#pragma once

#include <optional>

#include "sim/scenario.h"

namespace baton::sim {

/// A supervisor whose workers start slowly or never, die, leave, and do not obey, while it is reloaded,
/// scaled and stopped. In the end there are as many ready workers as there shall be, or it has said why not.
std::optional<Failure> supervisor_storm(Random& random);

}  // namespace baton::sim
