#pragma once

#include <cstddef>
#include <string>

namespace baton::wire {

/// What the heap adds to each piece of memory.
inline constexpr std::size_t around_allocation = 16;

/// How much memory a text has taken beside itself.
[[nodiscard]] inline std::size_t memory_of(const std::string& text) noexcept {
  return text.capacity() > std::string().capacity() ? text.capacity() + around_allocation : 0;
}

/// How much memory the reading of one message may still take. Whoever builds asks before; what was refused
/// once is refused for ever, so that one look at the end is enough.
class Allowance {
 public:
  explicit Allowance(std::size_t bytes) noexcept : left_(bytes) {}
  /// False: that is more than there is.
  bool take(std::size_t bytes) noexcept {
    exhausted_ = exhausted_ || bytes > left_;
    if (!exhausted_) left_ -= bytes;
    return !exhausted_;
  }
  void give_back(std::size_t bytes) noexcept { left_ += bytes; }
  [[nodiscard]] bool exhausted() const noexcept { return exhausted_; }

 private:
  std::size_t left_;
  bool exhausted_ = false;
};

}  // namespace baton::wire
