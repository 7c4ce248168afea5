#pragma once

#include "chaos/world.h"

namespace baton::chaos {

/// SIGKILL of a random worker, again and again, under load: lost is only what it had accepted.
void kill_storm(World& world, Kind kind, const Numbers& numbers, Row& row);
/// The same with all workers at once.
void massacre_storm(World& world, Kind kind, const Numbers& numbers, Row& row);
/// No worker lives for seconds: who comes then waits, and is answered.
void dark_storm(World& world, Kind kind, const Numbers& numbers, Row& row);
/// Rolling reload without pause: nothing fails.
void reload_storm(World& world, Kind kind, const Numbers& numbers, Row& row);
void reload_storm_on_kept_connections(World& world, Kind kind, const Numbers& numbers, Row& row);
/// The same with programs that end by themselves on SIGTERM.
void reload_storm_of_handlers(World& world, Kind kind, const Numbers& numbers, Row& row);
/// More clients than all workers together may have descriptors: nothing fails.
void descriptor_storm(const std::string& policy, World& world, Kind kind, const Numbers& numbers, Row& row);
/// A worker stands still (SIGSTOP) for seconds and goes on: the others answer, and nothing fails.
void stop_storm(World& world, Kind kind, const Numbers& numbers, Row& row);
/// The same; the primary kills it because it does not answer.
void stop_storm_with_timeout(World& world, Kind kind, const Numbers& numbers, Row& row);
/// Thousands of clients that never end their request: each is cut in time, costs little memory until then,
/// and nobody else notices.
void slow_storm(World& world, Kind kind, const Numbers& numbers, Row& row);
/// Reloads whose new worker never becomes ready: each is reported as failed, and nobody notices.
void stuck_storm(World& world, Kind kind, const Numbers& numbers, Row& row);

}  // namespace baton::chaos
