#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// Which of `words` was meant by one that is misspelt: the one with the fewest letters added, left out,
/// changed or swapped; "" if none is near enough to be worth a guess.
std::string nearest(std::string_view misspelt, const std::vector<std::string>& words);

}  // namespace baton
