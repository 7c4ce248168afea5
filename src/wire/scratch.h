#pragma once

#include <cstddef>
#include <memory_resource>
#include <utility>

namespace baton::wire {

/// Memory for a reader's stacks: enough for small messages without allocating; unlike the standard's
/// monotonic resource it frees what was outgrown, which matters when a peer sends 64 MiB of "[1,1,1,".
/// Everything in it has the alignment of a pointer.
template <std::size_t Size>
class Scratch : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes > sizeof first_ - used_) return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    return first_ + std::exchange(used_, used_ + bytes);
  }
  void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override {
    if (place >= first_ && place < first_ + sizeof first_) return;
    std::pmr::new_delete_resource()->deallocate(place, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  alignas(void*) std::byte first_[Size];
  std::size_t used_ = 0;
};

}  // namespace baton::wire
