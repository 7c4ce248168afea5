#include "base/pages.h"

#include <sys/mman.h>

#include <new>

namespace baton {
namespace {

// Below this the heap is quicker.
constexpr std::size_t worth_pages = std::size_t{256} << 10;

}  // namespace

void* allocate_block(std::size_t bytes) {
  if (bytes < worth_pages) return ::operator new(bytes);
  void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return pages;
}

void free_block(void* block, std::size_t bytes) noexcept {
  if (bytes < worth_pages) {
    ::operator delete(block, bytes);
  } else {
    ::munmap(block, bytes);
  }
}

}  // namespace baton
