// A connection's bytes to the request parser, whole and in two pieces: it must say the same of both.
// The first two bytes of the input say where it is cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/request_parser.h"

namespace {

using baton::http::RequestParser;
using Event = RequestParser::Event;

constexpr std::size_t header_limit = 512;
constexpr std::size_t most_headers = 20;

void add(std::string& said, const baton::http::Headers& fields) {
  if (fields.size() > most_headers) std::abort();
  for (const auto& [name, value] : fields) {
    said.append(name).append(": ").append(value).append("\n");
    if (name.empty() || value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos) std::abort();
  }
}

std::string said_of(std::string_view first, std::string_view second) {
  RequestParser parser(header_limit, most_headers);
  std::string said;
  for (std::string_view input : {first, second}) {
    for (Event event; (event = parser.feed(input)) != Event::need_more;) {
      if (event == Event::failure) return said + "failure " + std::to_string(parser.status());
      if (event == Event::body) said += parser.body();
      if (event == Event::end) {
        add(said, parser.head().trailers());
        said += " end\n";
      }
      if (event != Event::head) continue;
      said += parser.head().method();
      said += parser.head().target();
      add(said, parser.head().headers());
      if (parser.head().chunked() && parser.head().content_length()) std::abort();
    }
    if (!input.empty()) std::abort();
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = input.empty() ? 0 : (data[0] * 256U + data[1]) % (input.size() + 1);
  if (said_of(input, {}) != said_of(input.substr(0, cut), input.substr(cut))) std::abort();
  return 0;
}
