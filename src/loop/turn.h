#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>

namespace baton {

/// What one of many on a loop may take of a turn, so that the others wait no longer: time, and so much of
/// what has come at once that little work of it remains when the time is over.
class Turn {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = Clock::time_point (*)();
  static constexpr auto share = std::chrono::microseconds(1000);

  /// Reads of `smallest` to `largest` bytes.
  Turn(std::size_t smallest, std::size_t largest, Now now = Clock::now)
      : smallest_(smallest), largest_(largest), size_(largest), now_(now) {}

  /// The loop comes round.
  void begin() { begin_ = last_ = now_(); }
  /// How much is to be read at once.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// What was read has been worked on. False: the turn is over.
  bool go_on() {
    const auto now = now_();
    const auto took = now - last_;
    last_ = now;
    // A quarter of the share a read: the turn ends near its end.
    if (took > share / 4) {
      size_ = std::max(smallest_, size_ / 2);
    } else if (took < share / 16) {
      size_ = std::min(largest_, size_ * 2);
    }
    return now - begin_ < share;
  }

 private:
  std::size_t smallest_;
  std::size_t largest_;
  std::size_t size_;
  Now now_;
  Clock::time_point begin_{};
  Clock::time_point last_{};
};

}  // namespace baton
