#include "base/nearest.h"

#include <algorithm>
#include <cstddef>

namespace baton {
namespace {

// The distance of Damerau and Levenshtein, where no part is changed twice. Only the last three rows are kept.
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> before(other.size() + 1);
  std::vector<std::size_t> last(other.size() + 1);
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t column = 0; column <= other.size(); ++column) last[column] = column;
  for (std::size_t line = 1; line <= one.size(); ++line) {
    row[0] = line;
    for (std::size_t column = 1; column <= other.size(); ++column) {
      const bool same = one[line - 1] == other[column - 1];
      row[column] = std::min({last[column] + 1, row[column - 1] + 1, last[column - 1] + (same ? 0 : 1)});
      const bool swapped =
          line > 1 && column > 1 && one[line - 1] == other[column - 2] && one[line - 2] == other[column - 1];
      if (swapped) row[column] = std::min(row[column], before[column - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last.back();
}

}  // namespace

std::string nearest(std::string_view misspelt, const std::vector<std::string>& words) {
  constexpr std::size_t longest = 64;
  if (misspelt.size() > longest) return {};
  std::string found;
  // A third of its letters.
  std::size_t least = misspelt.size() / 3 + 1;
  for (const std::string& word : words) {
    const std::size_t far = distance(misspelt, word);
    if (far >= least) continue;
    least = far;
    found = word;
  }
  return found;
}

}  // namespace baton
