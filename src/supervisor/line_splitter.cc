#include "supervisor/line_splitter.h"

#include <algorithm>
#include <stdexcept>

namespace baton::supervisor {
namespace {

constexpr std::size_t longest_character = 4;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

// Where to cut a text that is longer than `limit`: there, or a little before, where a character begins.
std::size_t cut(std::string_view text, std::size_t limit) {
  std::size_t place = limit;
  for (std::size_t back = 0; back < longest_character && place > 0; ++back, --place) {
    if (!continues(text[place])) return place;
  }
  return limit;  // no UTF-8, so no character is broken
}

}  // namespace

LineSplitter::LineSplitter(std::size_t limit) : limit_(limit) {
  if (limit < longest_character) throw std::invalid_argument("LineSplitter: a limit under 4 bytes");
}

std::string_view LineSplitter::take_parts(std::string_view text, const Sink& sink) const {
  while (text.size() > limit_) {
    const std::size_t size = cut(text, limit_);
    sink(text.substr(0, size), false);
    text.remove_prefix(size);
  }
  return text;
}

void LineSplitter::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    // What would make a held line too long goes out in parts; a CR may stand beyond the limit, as it goes
    // with its LF.
    const std::string_view piece = bytes.substr(0, std::min({end, limit_, bytes.size()}));
    bytes.remove_prefix(piece.size());
    const bool ended = !bytes.empty() && bytes.front() == '\n';
    if (ended) bytes.remove_prefix(1);
    std::string_view text = piece;
    if (!held_.empty()) text = held_.append(piece);
    if (ended && text.ends_with('\r')) text.remove_suffix(1);
    text = take_parts(text, sink);
    if (ended) {
      sink(text, true);
      held_.clear();
    } else if (text.data() != held_.data()) {
      held_ = std::string(text);  // not for each byte of a line that comes byte by byte
    }
  }
}

void LineSplitter::finish(const Sink& sink) {
  if (held_.empty()) return;
  sink(held_, false);
  held_.clear();
}

}  // namespace baton::supervisor
