#pragma once

#include <memory>
#include <string_view>

#include "http/request_head.h"

namespace baton::http {

// Reads a request head that `LineScanner` has passed. Boost.Beast's parser does the grammar; the rules it
// does not keep are in the source. The only place that knows Beast.
class HeadReader {
 public:
  HeadReader();
  HeadReader(HeadReader&&) noexcept;
  HeadReader& operator=(HeadReader&&) noexcept;
  ~HeadReader();

  // Reads the first `size` bytes of `head`'s text into the rest of `head`: its request line, or all of it; a
  // request line read before is not read again. `head` stays where it is until `reset`. Returns why it is
  // refused, or an empty text.
  std::string_view read(RequestHead& head, std::size_t size);
  // After a chunked request: reads the trailer text of the same head, which is `last_chunk_line` and then the
  // lines of the trailer section, with the empty one, into the rest of it.
  std::string_view read_trailers();
  static constexpr std::string_view last_chunk_line = "0\r\n";
  // Ready for the next head.
  void reset() noexcept;

 private:
  class Parser;
  class Slot;
  std::unique_ptr<Slot> slot_;
};

}  // namespace baton::http
