#include "sim/scenario.h"

#include <algorithm>
#include <charconv>

namespace baton::sim {

const Scenario* find_scenario(std::string_view name) {
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name == name) return &scenario;
  }
  return nullptr;
}

std::string to_text(const Tape& tape) {
  std::string text;
  for (const std::uint32_t choice : tape) {
    if (!text.empty()) text += ',';
    text += std::to_string(choice);
  }
  return text;
}

std::optional<Tape> tape_from_text(std::string_view text) {
  Tape tape;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint32_t choice = 0;
    const auto parsed = std::from_chars(at, end, choice);
    if (parsed.ec != std::errc{}) return std::nullopt;
    tape.push_back(choice);
    at = parsed.ptr;
    if (at == end) break;
    if (*at++ != ',' || at == end) return std::nullopt;
  }
  return tape;
}

std::optional<Failure> run_seed(const Scenario& scenario, std::uint64_t seed) {
  Random random(seed);
  return scenario.run(random);
}

std::optional<Failure> run_tape(const Scenario& scenario, const Tape& tape) {
  Random random(tape);
  return scenario.run(random);
}

namespace {

class Shrinker {
 public:
  Shrinker(const Scenario& scenario, Shrunk start, int runs)
      : scenario_(scenario), best_(std::move(start)), runs_(runs) {}

  Shrunk result() {
    for (bool better = true; better && runs_ > 0;) {
      better = leave_out();
      better = lower() || better;
    }
    return best_;
  }

 private:
  /// The failing run's own record replaces the candidate: it has no choices that were never asked for.
  bool keep_if_it_fails(const Tape& candidate) {
    if (runs_-- <= 0) return false;
    Tape used;
    Random random(candidate);
    random.record(&used);
    std::optional<Failure> failure = scenario_.run(random);
    while (!used.empty() && used.back() == 0) used.pop_back();
    if (!failure || !smaller(used)) return false;
    best_ = {std::move(used), std::move(*failure)};
    return true;
  }

  bool smaller(const Tape& tape) const {
    if (tape.size() != best_.tape.size()) return tape.size() < best_.tape.size();
    return std::ranges::lexicographical_compare(tape, best_.tape);
  }

  bool leave_out() {
    bool better = false;
    for (std::size_t length = std::max<std::size_t>(best_.tape.size() / 2, 1); length > 0 && runs_ > 0;
         length /= 2) {
      for (std::size_t at = 0; at < best_.tape.size() && runs_ > 0;) {
        const auto from = static_cast<std::ptrdiff_t>(at);
        const auto to = static_cast<std::ptrdiff_t>(std::min(at + length, best_.tape.size()));
        Tape without = best_.tape;
        without.erase(without.begin() + from, without.begin() + to);
        Tape zeroed = best_.tape;
        std::fill(zeroed.begin() + from, zeroed.begin() + to, 0);
        if (keep_if_it_fails(without) || keep_if_it_fails(zeroed)) {
          better = true;
        } else {
          at += length;
        }
      }
    }
    return better;
  }

  bool lower() {
    bool better = false;
    for (std::size_t at = 0; at < best_.tape.size() && runs_ > 0; ++at) {
      for (std::uint32_t less = best_.tape[at] / 2, value = best_.tape[at]; value > 0; less = value / 2) {
        Tape candidate = best_.tape;
        candidate[at] = less;
        if (keep_if_it_fails(candidate)) {
          better = true;
        } else {
          candidate = best_.tape;
          if (at < candidate.size() && candidate[at] > 0) --candidate[at];
          if (!keep_if_it_fails(candidate)) break;
          better = true;
        }
        if (at >= best_.tape.size()) break;
        value = best_.tape[at];
      }
    }
    return better;
  }

  const Scenario& scenario_;
  Shrunk best_;
  int runs_;
};

}  // namespace

Shrunk shrink(const Scenario& scenario, std::uint64_t seed, int runs) {
  Shrunk start;
  Random random(seed);
  random.record(&start.tape);
  std::optional<Failure> failure = scenario.run(random);
  if (!failure) return start;
  start.failure = std::move(*failure);
  return Shrinker(scenario, std::move(start), runs).result();
}

std::optional<FailedSeed> run_seeds(const Scenario& scenario, std::uint64_t first, std::uint64_t count,
                                    const std::function<void(std::uint64_t)>& progress) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (progress) progress(first + i);
    if (std::optional<Failure> failure = run_seed(scenario, first + i))
      return FailedSeed{first + i, std::move(*failure)};
  }
  return std::nullopt;
}

}  // namespace baton::sim
