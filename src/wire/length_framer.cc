#include "wire/length_framer.h"

#include <algorithm>

namespace baton::wire {
namespace {

// What a mere length may make us take; beyond it memory grows with what has come.
constexpr size_t taken_on_trust = size_t{256} << 10;

}  // namespace

size_t LengthFramer::whole_size(std::string_view bytes) noexcept {
  size_t length = 0;
  for (size_t i = 0; i < prefix_size; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return prefix_size + length;
}

// False: it is not whole yet.
bool LengthFramer::take_prefix() noexcept {
  if (prefix_taken_ == 0 && input().size() >= prefix_size) {
    length_ = whole_size(take(prefix_size)) - prefix_size;
    prefix_taken_ = prefix_size;
  }
  while (prefix_taken_ < prefix_size && !input().empty()) {
    prefix_[prefix_taken_++] = static_cast<unsigned char>(take(1).front());
    length_ = 0;
    for (size_t i = 0; i < prefix_taken_; ++i) length_ = length_ << 8 | prefix_[i];
  }
  return prefix_taken_ == prefix_size;
}

std::optional<Frame> LengthFramer::next() {
  if (overflowed() || !take_prefix()) return std::nullopt;
  if (length_ > limit()) return overflow();
  const std::string_view piece = take(length_ - kept());
  if (kept() + piece.size() < length_) {
    if (kept() == 0) expect(std::min(length_, taken_on_trust));
    keep(piece);
    return std::nullopt;
  }
  prefix_taken_ = 0;
  return finish(piece, prefix_size);
}

}  // namespace baton::wire
