#pragma once

#include <algorithm>
#include <cstdint>

namespace baton::cluster {

/// Milliseconds that somebody may cost others: so many at once, and one in twenty of the time.
class Allowance {
 public:
  using Milliseconds = std::uint64_t;
  static constexpr Milliseconds one_in = 20;

  explicit Allowance(Milliseconds most) : most_(most), left_(most * one_in) {}

  [[nodiscard]] Milliseconds left(Milliseconds now) const { return units(now) / one_in; }
  void spend(Milliseconds time, Milliseconds now) {
    const std::uint64_t had = units(now);
    left_ = had - std::min(had, time * one_in);
    at_ = now;
  }

 private:
  // Of a twentieth of a millisecond.
  [[nodiscard]] std::uint64_t units(Milliseconds now) const {
    return std::min(left_ + (now > at_ ? now - at_ : 0), most_ * one_in);
  }

  Milliseconds most_;
  std::uint64_t left_;
  Milliseconds at_ = 0;
};

}  // namespace baton::cluster
