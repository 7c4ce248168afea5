#include "http/line_scanner.h"

#include <bit>
#include <cstring>

namespace baton::http {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }

// The first byte below 0x20 in [p, end), eight at a time: heads are long and controls few.
const char* find_control(const char* p, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t spaces = 0x2020202020202020;
    constexpr std::uint64_t tops = 0x8080808080808080;
    for (; end - p >= 8; p += 8) {
      std::uint64_t word;
      std::memcpy(&word, p, sizeof word);
      // A borrow only runs upwards, so the lowest mark is always true.
      if (const std::uint64_t marks = (word - spaces) & ~word & tops) return p + std::countr_zero(marks) / 8;
    }
  }
  while (p < end && !is_control(*p)) ++p;
  return p;
}

}  // namespace

std::size_t LineScanner::scan(std::string_view input) noexcept {
  const char* p = input.data();
  const char* const end = p + input.size();
  while (p < end && state_ < State::complete) {
    switch (state_) {
      case State::line:
        p = find_control(p, end);
        if (p == end) break;
        if (*p != '\t') state_ = *p == '\r' ? State::line_end : State::refused;
        ++p;
        break;
      case State::line_end:
        state_ = *p++ == '\n' ? State::line_start : State::refused;
        if (first_line_ == 0) first_line_ = scanned_ + static_cast<std::size_t>(p - input.data());
        break;
      case State::line_start:
        if (*p == '\r') {
          state_ = State::last_end;
          ++p;
        } else {
          state_ = *p == ' ' || *p == '\t' ? State::refused : State::line;
        }
        break;
      case State::last_end:
        state_ = *p++ == '\n' ? State::complete : State::refused;
        break;
      case State::complete:
      case State::refused:
        break;
    }
  }
  const auto taken = static_cast<std::size_t>(p - input.data());
  scanned_ += taken;
  return taken;
}

}  // namespace baton::http
