#include "wire/kept_frames.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace baton::wire {

void KeptFrames::push(std::string_view frame) {
  std::array<char, 10> prefix{};
  size_t size = 0;
  size_t length = frame.size();
  for (; length >= 0x80; length >>= 7) prefix[size++] = static_cast<char>(length | 0x80);
  prefix[size++] = static_cast<char>(length);
  write({prefix.data(), size});
  write(frame);
}

std::string KeptFrames::pop() {
  size_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    char next = 0;
    read(&next, 1);
    length |= (static_cast<unsigned char>(next) & size_t{0x7f}) << shift;
    if ((next & '\x80') == 0) break;
  }
  std::string frame(length, '\0');
  read(frame.data(), length);
  return frame;
}

void KeptFrames::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (pieces_.empty() || end_ == piece_size) {
      pieces_.emplace_back(std::make_unique_for_overwrite<char[]>(piece_size));
      end_ = 0;
    }
    const std::string_view part = bytes.substr(0, piece_size - end_);
    std::memcpy(&pieces_.back()[end_], part.data(), part.size());
    end_ += part.size();
    bytes.remove_prefix(part.size());
  }
}

void KeptFrames::read(char* to, size_t size) {
  while (size > 0) {
    const size_t part = std::min(size, (pieces_.size() == 1 ? end_ : piece_size) - begin_);
    std::memcpy(to, &pieces_.front()[begin_], part);
    begin_ += part;
    to += part;
    size -= part;
    if (begin_ < (pieces_.size() == 1 ? end_ : piece_size)) continue;
    pieces_.front().reset();
    pieces_.pop_front();
    begin_ = 0;
  }
}

}  // namespace baton::wire
