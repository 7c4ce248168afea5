#pragma once

#include <cstdint>
#include <vector>

namespace baton::sim {

/// The only source of chance in a scenario. A seed gives the same choices under every compiler and library
/// (no std distribution), and the choices of a run can be written to a tape, changed, and played again: so a
/// failing run is made smaller without the scenario knowing. Scenarios draw so that 0 is the quietest choice.
class Random {
 public:
  explicit Random(std::uint64_t seed) { reseed(seed); }
  /// Plays `tape`, which must stay; when it ends, every further choice is 0.
  explicit Random(const std::vector<std::uint32_t>& tape) : played_(&tape) {}

  void reseed(std::uint64_t seed) {
    for (auto& word : state_) {  // splitmix64, as the authors of xoshiro ask for
      std::uint64_t z = (seed += 0x9e3779b97f4a7c15U);
      z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
      z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
      word = z ^ (z >> 31U);
    }
  }
  /// From now on every choice is also written to `tape`; null stops that.
  void record(std::vector<std::uint32_t>* tape) { recorded_ = tape; }

  /// One of 0 .. n-1; 0 when `n` is 0 or 1.
  std::uint32_t below(std::uint32_t n) {
    if (n <= 1) return 0;
    std::uint32_t choice = 0;
    if (played_ == nullptr) {
      choice = static_cast<std::uint32_t>(((next() >> 32U) * n) >> 32U);
    } else if (position_ < played_->size()) {
      choice = (*played_)[position_++] % n;
    }
    if (recorded_ != nullptr) recorded_->push_back(choice);
    return choice;
  }
  /// One of low .. high.
  std::uint32_t between(std::uint32_t low, std::uint32_t high) { return low + below(high - low + 1); }
  /// True in `n` of 1024 cases. Draws nothing when `n` is 0; the quiet choice is false.
  bool chance(std::uint32_t n) { return n != 0 && below(1024) >= 1024 - n; }

 private:
  std::uint64_t next() {  // xoshiro256**
    const auto rotate = [](std::uint64_t x, unsigned k) { return (x << k) | (x >> (64U - k)); };
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  std::uint64_t state_[4] = {1, 0, 0, 0};
  const std::vector<std::uint32_t>* played_ = nullptr;
  std::size_t position_ = 0;
  std::vector<std::uint32_t>* recorded_ = nullptr;
};

}  // namespace baton::sim
