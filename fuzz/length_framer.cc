#include "wire/length_framer.h"

#include "framed.h"

namespace {

using baton::fuzz::Frames;

Frames frames_of(std::string_view stream, std::size_t limit) {
  Frames frames;
  std::size_t begin = 0;
  while (stream.size() - begin >= 4) {
    std::uint64_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(stream[begin + i]);
    frames.overflowed = length > limit;
    if (frames.overflowed || stream.size() - begin - 4 < length) break;
    frames.found.emplace_back(begin, stream.substr(begin + 4, length));
    begin += 4 + length;
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  baton::fuzz::check_framer<baton::wire::LengthFramer>(data, size, frames_of);
  return 0;
}
