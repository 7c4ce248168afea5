#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::wire {

/// The double nearest to what a number of JSON's grammar says; beyond the range of doubles an infinity or a
/// zero.
[[nodiscard]] double read_number(std::string_view text) noexcept;

inline void append_integer(std::string& out, std::int64_t number) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}
/// As JavaScript makes a string of it.
void append_number(std::string& out, double number);

}  // namespace baton::wire
