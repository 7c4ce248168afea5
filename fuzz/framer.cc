#include "framed.h"
#include "wire/line_framer.h"

namespace {

using baton::fuzz::Frames;

Frames lines_of(std::string_view stream, std::size_t limit) {
  Frames lines;
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  baton::fuzz::check_framer<baton::wire::LineFramer>(data, size, lines_of);
  return 0;
}
