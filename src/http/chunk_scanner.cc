#include "http/chunk_scanner.h"

#include <algorithm>

#include "http/syntax.h"

namespace baton::http {
namespace {

constexpr int max_digits = 16;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = static_cast<char>(c | 0x20);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

}  // namespace

ChunkScanner::State ChunkScanner::after_digit(char c) noexcept {
  const int value = hex_value(c);
  if (value < 0 || ++digits_ > max_digits) return State::bad;
  left_ = left_ * 16 + static_cast<unsigned>(value);
  return State::size;
}

ChunkScanner::State ChunkScanner::after(char c) noexcept {
  const auto next_part = [c](State otherwise) {
    return c == '\r' ? State::line_end : c == ';' ? State::extension_name_first : otherwise;
  };
  switch (state_) {
    case State::size_first:
      digits_ = 0;
      left_ = extension_size_ = 0;
      return after_digit(c);
    case State::size:
      return c == '\r' || c == ';' ? next_part(State::bad) : after_digit(c);
    case State::extension_name_first:
      return is_token_char(c) ? State::extension_name : State::bad;
    case State::extension_name:
      if (c == '=') return State::extension_value_first;
      return next_part(is_token_char(c) ? State::extension_name : State::bad);
    case State::extension_value_first:
      if (c == '"') return State::quoted;
      return is_token_char(c) ? State::extension_value : State::bad;
    case State::extension_value:
      return next_part(is_token_char(c) ? State::extension_value : State::bad);
    case State::quoted:
      if (c == '"') return State::quoted_end;
      if (c == '\\') return State::quoted_pair;
      return is_field_value({&c, 1}) ? State::quoted : State::bad;
    case State::quoted_pair:
      return is_field_value({&c, 1}) ? State::quoted : State::bad;
    case State::quoted_end:
      return next_part(State::bad);
    case State::line_end:
      return c != '\n' ? State::bad : left_ == 0 ? State::last : State::data;
    case State::data_cr:
      return c == '\r' ? State::data_lf : State::bad;
    case State::data_lf:
      return c == '\n' ? State::size_first : State::bad;
    case State::data:
    case State::last:
    case State::bad:
    case State::too_long:
      break;
  }
  return state_;
}

ChunkScanner::Event ChunkScanner::scan(std::string_view& input) noexcept {
  for (;;) {
    if (state_ == State::last) return Event::last;
    if (state_ == State::bad) return Event::bad;
    if (state_ == State::too_long) return Event::too_long;
    if (input.empty()) return Event::need_more;
    if (state_ == State::data) {
      data_ = input.substr(0, std::min<std::uint64_t>(left_, input.size()));
      input.remove_prefix(data_.size());
      left_ -= data_.size();
      if (left_ == 0) state_ = State::data_cr;
      return Event::data;
    }
    state_ = after(input.front());
    input.remove_prefix(1);
    if (in_extension() && ++extension_size_ > extension_limit_) state_ = State::too_long;
  }
}

}  // namespace baton::http
