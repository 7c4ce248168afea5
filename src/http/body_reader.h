#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/chunk_scanner.h"
#include "http/line_scanner.h"

namespace baton::http {

// In front of the lines of a trailer section, for a parser that knows them only there.
inline constexpr std::string_view last_chunk_line = "0\r\n";

// Appends to a text that may have `limit` bytes. One that is almost as long as it may be must not take twice
// that: its peer may be slow on purpose.
void append_within(std::string& text, std::string_view part, std::size_t limit);

// The body of one message, from bytes that come in any pieces. Keeps no byte but those of the trailers.
class BodyReader {
 public:
  enum class Event : std::uint8_t {
    need_more,  // `input` is used up
    data,       // `data()`, a part of `input`; never empty
    end,        // nothing more belongs to it
    failure,    // `status()` and `reason()`
  };

  // One chunk's extensions, and a trailer section, may have so many bytes.
  explicit BodyReader(std::size_t limit) noexcept : limit_(limit), chunks_(limit) {}

  // A body of so many bytes.
  void begin_length(std::uint64_t size) noexcept;
  // One in chunks, with trailers.
  void begin_chunks() noexcept;
  // One that ends with the connection: `feed` never says so.
  void begin_until_close() noexcept { state_ = State::until_close; }

  // Takes bytes from the front of `input` until there is something to say. `trailers` is, at the end of a
  // body in chunks, `last_chunk_line` and then the lines of the trailer section, with the empty one.
  [[nodiscard]] Event feed(std::string_view& input, std::string& trailers);
  // Until `input` changes.
  [[nodiscard]] std::string_view data() const noexcept { return data_; }
  // Not a byte is missing, only that `feed` says so.
  [[nodiscard]] bool whole() const noexcept { return state_ == State::in_length && left_ == 0; }
  // What a server answers: 400, 413 (chunk extensions) or 431 (trailers).
  [[nodiscard]] int status() const noexcept { return status_; }
  // For people.
  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }

 private:
  enum class State : std::uint8_t { in_length, in_chunks, in_trailers, until_close };

  Event fail(int status, std::string_view reason) noexcept;
  Event take(std::string_view& input, std::uint64_t most) noexcept;
  Event feed_chunks(std::string_view& input, std::string& trailers);
  Event feed_trailers(std::string_view& input, std::string& trailers);

  std::size_t limit_;
  ChunkScanner chunks_;
  LineScanner lines_;
  std::string_view data_;
  std::string_view reason_;
  std::uint64_t left_ = 0;
  int status_ = 0;
  State state_ = State::in_length;
};

}  // namespace baton::http
