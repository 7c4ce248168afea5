#include "wire/framer.h"

namespace baton::wire {
namespace {

constexpr size_t most_kept = size_t{256} << 10;  // of memory for the next frame

}  // namespace

std::string_view Framer::join(std::string_view piece) {
  // Two buffers take turns, so that a stream of such frames allocates nothing.
  complete_.clear();
  if (complete_.capacity() > most_kept) complete_ = {};
  complete_.swap(partial_);
  complete_ += piece;
  return complete_;
}

std::nullopt_t Framer::overflow() noexcept {
  overflowed_ = true;
  input_ = {};
  partial_ = {};
  complete_ = {};
  return std::nullopt;
}

}  // namespace baton::wire
