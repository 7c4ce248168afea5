#include "chaos/world.h"

#include <cstdio>
#include <exception>

#include "chaos/storms.h"

namespace baton::chaos {

Numbers Numbers::of_node() {
  Numbers numbers;
  numbers.kills = 1'000;
  numbers.requests = 100'000;
  numbers.reloads = 30;
  numbers.limited_requests = 20'000;
  return numbers;
}

Numbers Numbers::small() {
  Numbers numbers;
  numbers.kills = 25;
  numbers.requests = 4'000;
  numbers.reloads = 3;
  numbers.massacres = 5;
  numbers.limited_requests = 2'000;
  numbers.stuck_reloads = 2;
  numbers.slow_clients = 300;
  numbers.seconds_dark = 1;
  numbers.seconds_stopped = 1;
  numbers.seconds_for_a_head = 2;
  numbers.judges_speed = false;
  return numbers;
}

load::Options World::load_on(const Service& service) {
  return load::Options().at("127.0.0.1", service.port()).seed(1 + random_.below(1U << 20U));
}

void World::progress(const Row& row, const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (now - spoke_ < std::chrono::seconds(5)) return;
  spoke_ = now;
  std::fprintf(stderr, "chaos: %s, %s: %s\n", row.storm().c_str(), row.workers().c_str(), what.c_str());
}

Row Storm::hold(World& world, Kind kind, const Numbers& numbers) const {
  Row row(name_, kind == Kind::cpp ? "C++" : "Node");
  std::fprintf(stderr, "chaos: %s, %s\n", name_.c_str(), row.workers().c_str());
  try {
    hold_(world, kind, numbers, row);
  } catch (const std::exception& error) {
    row.expect(false, error.what());
  }
  return row;
}

std::vector<Storm> all_storms() {
  std::vector<Storm> storms = {{"kill one", kill_storm},
                               {"reload, new connections", reload_storm},
                               {"reload, keep-alive", reload_storm_on_kept_connections},
                               {"reload, own handler", reload_storm_of_handlers},
                               {"kill all", massacre_storm},
                               {"none alive", dark_storm}};
  for (const char* policy : {"round-robin", "shared", "reuse-port", "least-loaded", "sticky"}) {
    storms.emplace_back(std::string("64 descriptors, ") + policy,
                        [policy](World& world, Kind kind, const Numbers& numbers, Row& row) {
                          descriptor_storm(policy, world, kind, numbers, row);
                        });
  }
  storms.emplace_back("stop one", stop_storm);
  storms.emplace_back("stop one, hang timeout", stop_storm_with_timeout);
  storms.emplace_back("never ready", stuck_storm);
  storms.emplace_back("slow clients", slow_storm);
  return storms;
}

}  // namespace baton::chaos
