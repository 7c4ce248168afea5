// A client's bytes to the WebSocket decoder of the example, whole and in two pieces: it must say the same of
// both. The first two bytes of the input say where it is cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../examples/websocket.h"

namespace {

using websocket::Decoder;
using Event = Decoder::Event;

constexpr std::size_t longest = 1000;

std::string said_of(std::string_view first, std::string_view second) {
  Decoder decoder(longest);
  std::string said;
  for (std::string_view input : {first, second}) {
    for (Event event; (event = decoder.feed(input)) != Event::need_more;) {
      if (event == Event::failure) return said + "failure " + std::to_string(decoder.code());
      said += std::to_string(static_cast<int>(decoder.opcode())) + " ";
      said += event == Event::message ? decoder.payload() : decoder.control();
      if (decoder.payload().size() > longest || decoder.control().size() > 125) std::abort();
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
