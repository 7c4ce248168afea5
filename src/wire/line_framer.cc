#include "wire/line_framer.h"

namespace baton::wire {
namespace {

constexpr size_t most_kept = size_t{256} << 10;  // of memory for the next frame

}  // namespace

std::optional<Frame> LineFramer::next() {
  if (overflowed_) return std::nullopt;
  const size_t length = input_.find('\n');
  const bool whole = length != std::string_view::npos;
  const std::string_view piece = input_.substr(0, length);
  if (partial_.size() + piece.size() > limit_) {
    overflow();
    return std::nullopt;
  }
  input_.remove_prefix(whole ? length + 1 : input_.size());
  if (!whole) {
    partial_ += piece;
    return std::nullopt;
  }
  const uint64_t start = position_;
  position_ += partial_.size() + piece.size() + 1;
  if (partial_.empty()) return Frame(piece, start);
  // Two buffers take turns, so that a stream of such frames allocates nothing.
  complete_.clear();
  if (complete_.capacity() > most_kept) complete_ = {};
  complete_.swap(partial_);
  complete_ += piece;
  return Frame(complete_, start);
}

void LineFramer::overflow() noexcept {
  overflowed_ = true;
  input_ = {};
  partial_ = {};
  complete_ = {};
}

}  // namespace baton::wire
