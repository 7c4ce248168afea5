#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::fuzz {

/// The frames of a stream with their places, and whether one was over the limit.
class Frames {
 public:
  std::vector<std::pair<std::uint64_t, std::string>> found;
  bool overflowed = false;
};

/// What a framer finds in a stream that is cut into pieces by chance.
template <class Framer>
Frames framed(std::string_view stream, std::size_t limit, std::uint32_t seed) {
  Framer framer(limit);
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

/// However a stream is cut into pieces, the frames are those that a plain look at the whole finds:
/// `frames_of`. Input: the limit, a seed for the cuts (four bytes), the stream.
template <class Framer>
void check_framer(const std::uint8_t* data, std::size_t size,
                  Frames (*frames_of)(std::string_view stream, std::size_t limit)) {
  if (size < 5) return;
  const std::size_t limit = data[0];
  std::uint32_t seed = 0;
  for (int i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string_view stream(reinterpret_cast<const char*>(data + 5), size - 5);
  const Frames expected = frames_of(stream, limit);
  const Frames actual = framed<Framer>(stream, limit, seed);
  if (actual.found != expected.found || actual.overflowed != expected.overflowed) std::abort();
}

}  // namespace baton::fuzz
