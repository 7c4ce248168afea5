#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/fifo.h"

namespace baton::wire {

/// Frames that wait, first in, first out, in the memory of little more than their bytes.
class KeptFrames {
 public:
  void push(std::string_view frame);
  /// Takes the oldest out. There must be one.
  [[nodiscard]] std::string pop();

 private:
  static constexpr size_t piece_size = size_t{64} << 10;

  void write(std::string_view bytes);
  void read(char* to, size_t size);

  // Each frame behind its length, seven bits a byte, across the borders of the pieces.
  Fifo<std::unique_ptr<char[]>> pieces_;
  size_t begin_ = 0;  // in the first piece
  size_t end_ = 0;    // in the last
};

}  // namespace baton::wire
