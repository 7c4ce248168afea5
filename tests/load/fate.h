#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace baton::load {

/// What became of a request. Every request has exactly one fate; none is tried again.
enum class Fate {
  answered,      ///< a whole and right answer
  refused,       ///< nobody listens
  reset_before,  ///< the connection ended or broke before a byte of the request was sent
  reset_after,   ///< it broke when the request had been sent
  eof,           ///< it ended when the request had been sent, before the answer was whole
  hung,          ///< no whole answer in time
  wrong,         ///< an answer that is not the one to this request
};

inline constexpr std::size_t fate_count = 7;
inline constexpr std::array<std::string_view, fate_count> fate_names = {
    "answered", "refused", "reset_before", "reset_after", "eof", "hung", "wrong"};

constexpr std::string_view name_of(Fate fate) { return fate_names[static_cast<std::size_t>(fate)]; }

}  // namespace baton::load
