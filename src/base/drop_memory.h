#pragma once

#include <utility>

namespace baton {

/// Empties `it` and gives back its memory, which a string keeps that is assigned an empty one, or cleared.
template <class T>
void drop_memory(T& it) noexcept {
  [[maybe_unused]] const T gone(std::move(it));
}

}  // namespace baton
