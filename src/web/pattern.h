#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::web {

// The segments of a path, decoded; nothing if one is no percent-encoding.
[[nodiscard]] std::optional<std::vector<std::string>> segments_of(std::string_view path);

// A path with names in it: "/users/:id", "/files/*rest".
class Pattern {
 public:
  // Throws std::invalid_argument for what is none.
  explicit Pattern(std::string_view text);

  using Values = std::vector<std::pair<std::string, std::string>>;
  // What the names stand for, if the path of these segments is one of the pattern's.
  [[nodiscard]] std::optional<Values> match(const std::vector<std::string>& segments) const;

 private:
  enum class Kind : std::uint8_t { text, name, rest };
  struct Segment {
    Kind kind;
    std::string text;
  };
  std::vector<Segment> segments_;
};

}  // namespace baton::web
