#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/line_framer.h"

// However a stream is cut into pieces, the lines are those that a plain look at the whole finds.
// Input: the limit, a seed for the cuts (four bytes), the stream.
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class Lines {
 public:
  std::vector<std::pair<std::uint64_t, std::string>> found;
  bool overflowed = false;
};

Lines lines_of(std::string_view stream, std::size_t limit) {
  Lines lines;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = stream.find('\n', begin);
    const std::string_view line = stream.substr(begin, end == std::string_view::npos ? end : end - begin);
    lines.overflowed = line.size() > limit;
    if (lines.overflowed || end == std::string_view::npos) return lines;
    lines.found.emplace_back(begin, line);
    begin = end + 1;
  }
}

Lines framed(std::string_view stream, std::size_t limit, std::uint32_t seed) {
  baton::wire::LineFramer framer(limit);
  Lines lines;
  while (!stream.empty()) {
    seed = seed * 1664525 + 1013904223;
    const std::size_t size = (seed >> 24) % 3 == 0 ? 1 : (seed >> 16) % (stream.size() + 1);
    // A copy of its own, so that a look beyond it is noticed.
    const std::string piece(stream.substr(0, size));
    stream.remove_prefix(piece.size());
    framer.feed(piece);
    while (const auto frame = framer.next()) lines.found.emplace_back(frame->start(), frame->text());
  }
  lines.overflowed = framer.overflowed();
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5) return 0;
  const std::size_t limit = data[0];
  std::uint32_t seed = 0;
  for (int i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string_view stream(reinterpret_cast<const char*>(data + 5), size - 5);
  const Lines expected = lines_of(stream, limit);
  const Lines actual = framed(stream, limit, seed);
  require(actual.found == expected.found);
  require(actual.overflowed == expected.overflowed);
  return 0;
}
