// A program's output to the splitter, whole and in two pieces: the lines are the same, none is over the limit
// or has an LF in it, and together they are what came in.
// The first three bytes of the input say what the limit is and where it is cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "supervisor/line_splitter.h"

namespace {

using baton::supervisor::LineSplitter;

// What came out, put together again.
std::string lines_of(std::string_view first, std::string_view second, std::size_t limit) {
  LineSplitter splitter(limit);
  std::string said;
  const LineSplitter::Sink sink = [&](std::string_view line, bool whole) {
    if (line.size() > limit || line.find('\n') != line.npos) std::abort();
    said.append(line).append(whole ? "\n" : "");
  };
  splitter.feed(first, sink);
  splitter.feed(second, sink);
  if (splitter.held() > limit) std::abort();
  splitter.finish(sink);
  return said;
}

std::string without_cr(std::string text) {
  std::erase(text, '\r');
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t limit = 4 + data[2];
  const std::string_view input(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::size_t cut = (data[0] * 256U + data[1]) % (input.size() + 1);
  const std::string whole = lines_of(input, {}, limit);
  if (whole != lines_of(input.substr(0, cut), input.substr(cut), limit)) std::abort();
  if (without_cr(whole) != without_cr(std::string(input))) std::abort();
  return 0;
}
