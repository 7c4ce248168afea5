#pragma once

#include <optional>

#include "sim/scenario.h"

namespace baton::sim {

// A primary hands connections, listeners, UDP sockets and messages to workers, which answer them; anybody may
// be killed, stopped, starved or slowed after every step.

/// Both ends are Baton, and the worker says so.
std::optional<Failure> batons_storm(Random& random);
/// Both are Baton, and neither says so: the rules of Node.
std::optional<Failure> silent_batons_storm(Random& random);
/// One end is Node.
std::optional<Failure> node_storm(Random& random);
/// One worker lies.
std::optional<Failure> byzantine_storm(Random& random);

}  // namespace baton::sim
