#pragma once

#include <cstddef>
#include <vector>

namespace baton::sim {

/// A queue that keeps its memory when emptied: after the first seeds a scenario allocates nothing.
template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
  [[nodiscard]] T& front() { return items_[head_]; }
  [[nodiscard]] const T* begin() const { return items_.data() + head_; }
  [[nodiscard]] const T* end() const { return items_.data() + items_.size(); }

  void push(const T& item) { items_.push_back(item); }
  void append(const T* from, std::size_t count) { items_.insert(items_.end(), from, from + count); }
  void pop(std::size_t count = 1) {
    head_ += count;
    if (head_ == items_.size()) {
      clear();
    } else if (head_ > 4096 && head_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  void clear() {
    items_.clear();
    head_ = 0;
  }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace baton::sim
