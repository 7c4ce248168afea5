#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/drop_memory.h"

namespace baton {

/// A queue that is filled and emptied again and again: it goes on in the same memory, which is still in the
/// cache, and has none before it was first used.
template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const noexcept { return head_ == items_.size(); }
  [[nodiscard]] size_t size() const noexcept { return items_.size() - head_; }
  [[nodiscard]] T& front() noexcept { return items_[head_]; }
  [[nodiscard]] T& back() noexcept { return items_.back(); }
  /// Counted from the front.
  [[nodiscard]] T& operator[](size_t index) noexcept { return items_[head_ + index]; }
  [[nodiscard]] auto begin() noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  [[nodiscard]] auto end() noexcept { return items_.end(); }
  /// The reference is good until the next is added.
  template <class... Parts>
  T& emplace_back(Parts&&... parts) {
    return items_.emplace_back(std::forward<Parts>(parts)...);
  }
  /// Its place is kept, without what stood there.
  void pop_front() {
    drop_memory(items_[head_++]);
    if (empty()) {
      // A great backlog was an exception.
      if (items_.capacity() > most_kept) items_ = std::vector<T>();
      clear();
    } else if (head_ >= most_kept && head_ * 2 >= items_.size()) {
      drop_head();
    }
  }
  template <class Predicate>
  void erase_if(Predicate predicate) {
    drop_head();
    std::erase_if(items_, predicate);
  }
  void clear() noexcept {
    items_.clear();
    head_ = 0;
  }

 private:
  void drop_head() {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

  static constexpr size_t most_kept = 4096;
  std::vector<T> items_;
  size_t head_ = 0;
};

}  // namespace baton
