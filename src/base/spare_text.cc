#include "base/spare_text.h"

#include <array>
#include <cstddef>
#include <utility>

#include "base/drop_memory.h"

namespace baton {
namespace {

// The allocator itself keeps what is smaller.
constexpr std::size_t least_kept = std::size_t{32} << 10;
constexpr std::size_t most_kept = std::size_t{256} << 10;

// What lives longer than its thread, such as a channel in a static variable, finds none.
thread_local bool over = false;

struct Spare {
  std::array<std::string, 4> texts;
  std::size_t count = 0;
  ~Spare() { over = true; }
};
thread_local Spare spare;

}  // namespace

std::string take_spare_text() noexcept {
  if (over || spare.count == 0) return {};
  return std::exchange(spare.texts[--spare.count], {});
}

void keep_spare_text(std::string&& text) noexcept {
  const bool fits = text.capacity() >= least_kept && text.capacity() <= most_kept;
  if (over || !fits || spare.count == spare.texts.size()) return drop_memory(text);
  text.clear();
  spare.texts[spare.count++] = std::move(text);
}

}  // namespace baton
