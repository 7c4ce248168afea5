#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace baton::wire {

inline constexpr std::uint64_t no_index = std::numeric_limits<std::uint64_t>::max();

/// The number that a key is as an index of an array (0 to 2^32 - 2, in its only spelling), which decides its
/// place; `no_index` for all other keys.
inline std::uint64_t array_index(std::string_view key) noexcept {
  if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) return no_index;
  std::uint64_t index = 0;
  for (char c : key) {
    if (c < '0' || c > '9') return no_index;
    index = index * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return index <= 4294967294U ? index : no_index;
}

}  // namespace baton::wire
