#include "wire/line_framer.h"

namespace baton::wire {

std::optional<Frame> LineFramer::next() {
  if (overflowed()) return std::nullopt;
  const size_t length = input().find('\n');
  const bool whole = length != std::string_view::npos;
  const std::string_view piece = take(length);
  if (kept() + piece.size() > limit()) return overflow();
  if (!whole) {
    keep(piece);
    return std::nullopt;
  }
  take(1);
  return finish(piece, 1);
}

}  // namespace baton::wire
