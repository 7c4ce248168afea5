#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/random.h"

namespace baton::sim {

/// What went wrong in one run.
struct Failure {
  std::string what;
};

/// A story that chance tells in many ways. `run` must end by itself, and must depend on nothing but `random`.
struct Scenario {
  std::string_view name;
  std::string_view about;
  std::optional<Failure> (*run)(Random& random);
};

/// Every scenario there is.
std::span<const Scenario> scenarios();
const Scenario* find_scenario(std::string_view name);

/// The choices of a run, as `Random` records them.
using Tape = std::vector<std::uint32_t>;
std::string to_text(const Tape& tape);
std::optional<Tape> tape_from_text(std::string_view text);

std::optional<Failure> run_seed(const Scenario& scenario, std::uint64_t seed);
std::optional<Failure> run_tape(const Scenario& scenario, const Tape& tape);

/// A failing run made smaller.
struct Shrunk {
  Tape tape;
  Failure failure;
};
/// Leaves out, zeroes and lowers choices of the failing `seed` as long as some failure stays. At most `runs`
/// runs.
Shrunk shrink(const Scenario& scenario, std::uint64_t seed, int runs = 20000);

/// The first of `count` seeds from `first` that fails. `progress` is called before each seed.
struct FailedSeed {
  std::uint64_t seed;
  Failure failure;
};
std::optional<FailedSeed> run_seeds(const Scenario& scenario, std::uint64_t first, std::uint64_t count,
                                    const std::function<void(std::uint64_t)>& progress = {});

}  // namespace baton::sim
