#include "wire/length_framer.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// However a stream is cut into pieces, the frames are those that a plain look at the whole finds.
// Input: the limit, a seed for the cuts (four bytes), the stream.
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class Frames {
 public:
  std::vector<std::pair<std::uint64_t, std::string>> found;
  bool overflowed = false;
};

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

Frames framed(std::string_view stream, std::size_t limit, std::uint32_t seed) {
  baton::wire::LengthFramer framer(limit);
  Frames frames;
  while (!stream.empty()) {
    seed = seed * 1664525 + 1013904223;
    const std::size_t size = (seed >> 24) % 3 == 0 ? 1 : (seed >> 16) % (stream.size() + 1);
    // A copy of its own, so that a look beyond it is noticed.
    const std::string piece(stream.substr(0, size));
    stream.remove_prefix(piece.size());
    framer.feed(piece);
    while (const auto frame = framer.next()) frames.found.emplace_back(frame->start(), frame->text());
  }
  frames.overflowed = framer.overflowed();
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5) return 0;
  const std::size_t limit = data[0];
  std::uint32_t seed = 0;
  for (int i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string_view stream(reinterpret_cast<const char*>(data + 5), size - 5);
  const Frames expected = frames_of(stream, limit);
  const Frames actual = framed(stream, limit, seed);
  require(actual.found == expected.found);
  require(actual.overflowed == expected.overflowed);
  return 0;
}
