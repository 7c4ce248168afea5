#include "wire/framer.h"

#include <algorithm>
#include <new>

#include "base/drop_memory.h"

namespace baton::wire {
namespace {

constexpr size_t most_kept = size_t{256} << 10;  // of memory for the next frame
constexpr size_t reserved = size_t{64} << 20;

}  // namespace

// To be copied again and again while it grows would take the loop more and more time; memory that nobody has
// written to costs nothing, unless there is a limit of addresses.
void Framer::keep(std::string_view piece) {
  const size_t size = partial_.size() + piece.size();
  if (size > partial_.capacity() && size > most_kept) {
    try {
      partial_.reserve(std::max(size, std::min(limit_, reserved)));
    } catch (const std::bad_alloc&) {
      // It grows as it can.
    }
  }
  partial_ += piece;
}

std::string_view Framer::join(std::string_view piece) {
  // Two buffers take turns, so that a stream of such frames allocates nothing.
  complete_.clear();
  if (complete_.capacity() > most_kept) drop_memory(complete_);
  complete_.swap(partial_);
  complete_ += piece;
  return complete_;
}

std::nullopt_t Framer::overflow() noexcept {
  overflowed_ = true;
  input_ = {};
  drop_memory(partial_);
  drop_memory(complete_);
  return std::nullopt;
}

}  // namespace baton::wire
