#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/reply_head.h"
#include "http/request_head.h"

namespace baton::http {

// Reads the head of a request or of a reply that `LineScanner` has passed. Boost.Beast's parser does the
// grammar; the rules it does not keep are in the source. The only place that knows Beast.
template <class Head>
class HeadReader {
 public:
  HeadReader();
  HeadReader(HeadReader&&) noexcept;
  HeadReader& operator=(HeadReader&&) noexcept;
  ~HeadReader();

  // Reads the first `size` bytes of `head`'s text into the rest of `head`: its first line, or all of it; a
  // first line read before is not read again. `head` stays where it is until `reset`. Returns why it is
  // refused, or an empty text.
  std::string_view read(Head& head, std::size_t size);
  // After a body in chunks: reads the trailer text of the same head, which is `last_chunk_line` and then the
  // lines of the trailer section, with the empty one, into the rest of it.
  std::string_view read_trailers();
  // Ready for the next head.
  void reset() noexcept;

 private:
  class Parser;
  class Slot;
  std::unique_ptr<Slot> slot_;
};

extern template class HeadReader<RequestHead>;
extern template class HeadReader<ReplyHead>;

}  // namespace baton::http
