#pragma once

#include <cstdint>
#include <string_view>

namespace baton::http {

// The framing of a chunked body, in bytes that come in any pieces: sizes, extensions (checked and dropped),
// data, the line end behind each chunk. Ends behind the last chunk's line, where the trailer section begins.
// Keeps no byte.
//
// Beast's own takes sizes of any length, wants each chunk's line whole in one buffer, and waits for ever on a
// bare LF.
class ChunkScanner {
 public:
  enum class Event : std::uint8_t {
    need_more,  // `input` is used up
    data,       // `data()`, a part of `input`
    last,       // the last chunk: the trailer section follows
    bad,        // not a chunk; stays so
    too_long,   // extensions over the limit; stays so
  };

  explicit ChunkScanner(std::uint64_t extension_limit) noexcept : extension_limit_(extension_limit) {}

  // Takes bytes from the front of `input` until something happened.
  [[nodiscard]] Event scan(std::string_view& input) noexcept;
  [[nodiscard]] std::string_view data() const noexcept { return data_; }

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    extension_name_first,
    extension_name,
    extension_value_first,
    extension_value,
    quoted,
    quoted_pair,
    quoted_end,
    line_end,
    data,
    data_cr,
    data_lf,
    last,
    bad,
    too_long,
  };

  [[nodiscard]] State after(char c) noexcept;
  [[nodiscard]] State after_digit(char c) noexcept;
  [[nodiscard]] bool in_extension() const noexcept {
    return state_ >= State::extension_name_first && state_ <= State::quoted_end;
  }

  std::uint64_t extension_limit_;
  std::uint64_t left_ = 0;
  std::uint64_t extension_size_ = 0;
  std::string_view data_;
  int digits_ = 0;
  State state_ = State::size_first;
};

}  // namespace baton::http
