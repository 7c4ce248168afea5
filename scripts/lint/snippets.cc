// The code that people read and copy: in the comments of a source, and in a page. What is no code becomes an
// empty statement, so that lines keep their numbers and nothing reaches from one piece into the next.
#include <algorithm>

#include "tokens.h"

namespace lint {
namespace {

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

std::string_view without_margin(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

bool says_it_is_wrong(std::string_view line) { return line.find("  // wrong: ") != line.npos; }

}  // namespace

std::string code_in_comments(std::string_view text) {
  std::string code;
  while (!text.empty()) {
    std::string_view line = without_margin(next_line(text));
    const bool comment = line.starts_with("//");
    line.remove_prefix(std::min(line.find_first_not_of('/'), line.size()));
    // Prose begins behind one space, and goes on behind three in a list.
    const bool is_code = comment && line.starts_with("   ") && line.find_first_of(";{}(") != line.npos;
    code.append(is_code && !says_it_is_wrong(line) ? line : ";").append("\n");
  }
  return code;
}

std::string code_in_page(std::string_view text) {
  std::string code;
  bool inside = false;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    const std::string_view begun = without_margin(line);
    const bool fence = begun.starts_with("```");
    code.append(inside && !fence && !says_it_is_wrong(line) ? line : ";").append("\n");
    if (fence) inside = !inside && begun == "```cpp";
  }
  return code;
}

}  // namespace lint
