#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace baton::supervisor {

// Makes lines of a program's output, which comes in any pieces. A line that is longer than the limit goes out
// in parts of at most that size, cut between characters where the bytes are UTF-8, so memory is bounded
// whatever a program writes.
class LineSplitter {
 public:
  static constexpr std::size_t default_limit = std::size_t{64} << 10;

  // A line without its LF (and without a CR before that), and whether an LF ended it. Valid during the call.
  using Sink = std::function<void(std::string_view line, bool whole)>;

  // `limit` is in bytes, at least 4: one character.
  explicit LineSplitter(std::size_t limit = default_limit);

  // Hands `sink` each line that is complete now. It may not call back into this splitter.
  void feed(std::string_view bytes, const Sink& sink);
  // There will be no more: hands over what was left unfinished, if anything was.
  void finish(const Sink& sink);

  // How many bytes wait for the end of their line.
  [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

 private:
  std::string_view take_parts(std::string_view text, const Sink& sink) const;

  std::size_t limit_;
  std::string held_;
};

}  // namespace baton::supervisor
