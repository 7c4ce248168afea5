#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "chaos/ground.h"
#include "chaos/row.h"
#include "sim/random.h"

namespace baton::chaos {

/// How much of everything.
struct Numbers {
  std::uint64_t kills = 10'000;
  std::uint64_t requests = 1'000'000;
  std::uint64_t reloads = 300;
  std::uint64_t massacres = 100;
  std::uint64_t limited_requests = 100'000;
  std::uint64_t stuck_reloads = 100;
  std::uint64_t slow_clients = 10'000;
  double seconds_dark = 5;
  double seconds_stopped = 5;
  std::uint64_t seconds_for_a_head = 60;
  /// Whether how fast something was may make a storm fail.
  bool judges_speed = true;

  /// What is asked for when the workers are Node's.
  static Numbers of_node();
  /// What the tests have time for.
  static Numbers small();
};

/// What every storm needs.
class World {
 public:
  World(const Ground& ground, std::uint64_t seed) : ground_(ground), seed_(seed), random_(seed) {}
  [[nodiscard]] const Ground& ground() const { return ground_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] sim::Random& random() { return random_; }
  /// A load on `service`; its times come from the seed.
  [[nodiscard]] load::Options load_on(const Service& service);
  /// Says how far a storm is, once in a while.
  void progress(const Row& row, const std::string& what);

 private:
  const Ground& ground_;
  std::uint64_t seed_;
  sim::Random random_;
  std::chrono::steady_clock::time_point spoke_;
};

/// A storm over workers of one kind. It may throw: then it could not be held, and fails.
class Storm {
 public:
  Storm(std::string name, std::function<void(World&, Kind, const Numbers&, Row&)> hold)
      : name_(std::move(name)), hold_(std::move(hold)) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Row hold(World& world, Kind kind, const Numbers& numbers) const;

 private:
  std::string name_;
  std::function<void(World&, Kind, const Numbers&, Row&)> hold_;
};

/// All of them.
std::vector<Storm> all_storms();

}  // namespace baton::chaos
