#include "base/excerpt.h"

namespace baton {
namespace {

constexpr std::size_t longest_character = 4;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

}  // namespace

std::string excerpt(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  for (std::size_t back = 1; back < longest_character && end > 0 && continues(text[end]); ++back) --end;
  return std::string(text.substr(0, end)) + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace baton
