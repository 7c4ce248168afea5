// A server's bytes to the parser of replies, whole and in two pieces: it must say the same of both. The first
// byte of the input says whether HEAD was asked and whether the connection ends behind them, the next two
// where it is cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/reply_parser.h"

namespace {

using baton::http::ReplyParser;
using Event = ReplyParser::Event;

constexpr std::size_t header_limit = 512;
constexpr std::size_t most_headers = 20;

void add(std::string& said, const baton::http::Headers& fields) {
  if (fields.size() > most_headers) std::abort();
  for (const auto& [name, value] : fields) {
    said.append(name).append(": ").append(value).append("\n");
    if (name.empty() || value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos) std::abort();
  }
}

std::string end_of(const ReplyParser& parser, std::string said) {
  add(said, parser.head().trailers());
  return said + " end";
}

std::string said_of(std::string_view first, std::string_view second, bool to_head, bool ends) {
  ReplyParser parser(to_head, header_limit, most_headers);
  std::string said;
  for (std::string_view input : {first, second}) {
    for (Event event; (event = parser.feed(input)) != Event::need_more;) {
      if (event == Event::failure) return said + "failure " + std::string(parser.reason());
      if (event == Event::end) return end_of(parser, said);
      if (event == Event::body) said += parser.body();
      if (event != Event::head) continue;
      if (parser.head().status() < 200 || parser.head().status() > 999) std::abort();
      said += std::to_string(parser.head().status());
      said += parser.head().reason();
      add(said, parser.head().headers());
      if (parser.head().chunked() && parser.head().content_length()) std::abort();
    }
    if (!input.empty()) std::abort();
  }
  if (!ends) return said;
  return parser.finish() == Event::end ? end_of(parser, said)
                                       : said + "failure " + std::string(parser.reason());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::size_t cut = input.empty() ? 0 : (data[1] * 256U + data[2]) % (input.size() + 1);
  const bool to_head = (data[0] & 1) != 0, ends = (data[0] & 2) != 0;
  if (said_of(input, {}, to_head, ends) != said_of(input.substr(0, cut), input.substr(cut), to_head, ends)) {
    std::abort();
  }
  return 0;
}
