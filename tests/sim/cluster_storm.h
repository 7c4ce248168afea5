#pragma once

#include <optional>

#include "sim/scenario.h"

namespace baton::sim {

// A primary of a cluster with workers, Baton's and Node's, and clients; anybody may be killed, stopped,
// starved or slowed after every step, and workers come, go, reload, hang and go mad.

/// The primary accepts and hands over: in turn, to the least loaded, sticky.
std::optional<Failure> cluster_storm(Random& random);
/// The workers accept from sockets of the primary's.
std::optional<Failure> shared_cluster_storm(Random& random);
/// Nobody is disturbed, all are Baton: the turns are exact.
std::optional<Failure> cluster_turns(Random& random);

}  // namespace baton::sim
