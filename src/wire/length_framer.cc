#include "wire/length_framer.h"

#include <algorithm>

namespace baton::wire {
namespace {

// What a mere length may make us take; beyond it memory grows with what has come.
constexpr size_t taken_on_trust = size_t{256} << 10;
constexpr size_t most_kept = size_t{256} << 10;  // of memory for the next frame

}  // namespace

size_t LengthFramer::whole_size(std::string_view bytes) noexcept {
  size_t length = 0;
  for (size_t i = 0; i < prefix_size; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return prefix_size + length;
}

// False: it is not whole yet.
bool LengthFramer::take_prefix() noexcept {
  if (prefix_taken_ == 0 && input_.size() >= prefix_size) {
    length_ = whole_size(input_) - prefix_size;
    input_.remove_prefix(prefix_size);
    prefix_taken_ = prefix_size;
  }
  while (prefix_taken_ < prefix_size && !input_.empty()) {
    prefix_[prefix_taken_++] = static_cast<unsigned char>(input_.front());
    input_.remove_prefix(1);
    length_ = 0;
    for (size_t i = 0; i < prefix_taken_; ++i) length_ = length_ << 8 | prefix_[i];
  }
  return prefix_taken_ == prefix_size;
}

std::optional<Frame> LengthFramer::next() {
  if (overflowed_ || !take_prefix()) return std::nullopt;
  if (length_ > limit_) {
    overflow();
    return std::nullopt;
  }
  const std::string_view piece = input_.substr(0, length_ - partial_.size());
  input_.remove_prefix(piece.size());
  if (partial_.size() + piece.size() < length_) {
    if (partial_.empty()) partial_.reserve(std::min(length_, taken_on_trust));
    partial_ += piece;
    return std::nullopt;
  }
  const uint64_t start = position_;
  position_ += prefix_size + length_;
  prefix_taken_ = 0;
  if (partial_.empty()) return Frame(piece, start);
  // Two buffers take turns, so that a stream of such frames allocates nothing.
  complete_.clear();
  if (complete_.capacity() > most_kept) complete_ = {};
  complete_.swap(partial_);
  complete_ += piece;
  return Frame(complete_, start);
}

void LengthFramer::overflow() noexcept {
  overflowed_ = true;
  input_ = {};
  partial_ = {};
  complete_ = {};
}

}  // namespace baton::wire
