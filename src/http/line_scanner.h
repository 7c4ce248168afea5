#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace baton::http {

// Finds the end of a block of header lines (the empty line) in bytes that come in any pieces, and refuses on
// the way what no grammar of fields forgives: a bare CR or LF, control characters, a folded line. Keeps no
// byte.
//
// It exists because a parser that looks for CR LF CR LF never ends on a client that sends LF alone, and
// because folds must be seen before a parser joins the lines.
class LineScanner {
 public:
  enum class State : std::uint8_t { line, line_end, line_start, last_end, complete, refused };

  // At the first byte of the first line; with `may_be_empty`, that line may be the empty one (a trailer
  // section).
  explicit LineScanner(bool may_be_empty = false) noexcept
      : state_(may_be_empty ? State::line_start : State::line) {}

  // Takes bytes from the front of `input` until the block is complete or refused; returns how many. Those
  // taken when it is refused are of no use.
  std::size_t scan(std::string_view input) noexcept;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool complete() const noexcept { return state_ == State::complete; }
  [[nodiscard]] bool refused() const noexcept { return state_ == State::refused; }
  // The size of the first line with its CR LF; 0 until it is whole.
  [[nodiscard]] std::size_t first_line() const noexcept { return first_line_; }

 private:
  State state_;
  std::size_t scanned_ = 0;
  std::size_t first_line_ = 0;
};

}  // namespace baton::http
