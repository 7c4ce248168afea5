#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace baton::wire {

/// A queue that is filled and emptied again and again: it goes on in the same memory, which is still in the
/// cache.
template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const noexcept { return head_ == items_.size(); }
  [[nodiscard]] T& front() noexcept { return items_[head_]; }
  template <class... Parts>
  void emplace_back(Parts&&... parts) {
    items_.emplace_back(std::forward<Parts>(parts)...);
  }
  /// The front must have been moved from, or be cheap to keep: it may be destroyed only later.
  void pop_front() {
    ++head_;
    if (empty()) {
      items_.clear();
      head_ = 0;
      // A great backlog was an exception.
      if (items_.capacity() > most_kept) items_ = {};
    } else if (head_ >= most_kept && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  template <class Predicate>
  void erase_if(Predicate predicate) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    std::erase_if(items_, predicate);
  }

 private:
  static constexpr size_t most_kept = 4096;
  std::vector<T> items_;
  size_t head_ = 0;
};

}  // namespace baton::wire
