#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// Which of the reports that one peer can cause are told: in each second the first twenty of a kind and the
/// first forty of all; the others are counted, by kind. Kinds beyond the sixteenth in a second are one.
class ReportLimit {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr unsigned most_of_a_kind = 20;
  static constexpr unsigned most_of_all = 40;
  static constexpr std::size_t most_kinds = 16;
  static constexpr Milliseconds period = std::chrono::seconds(1);

  ReportLimit() = default;
  /// With other numbers.
  ReportLimit(unsigned of_a_kind, unsigned of_all) : of_a_kind_(of_a_kind), of_all_(of_all) {}

  struct Rest {
    std::string kind;
    std::uint64_t count = 0;
    /// "and 12,345 more in the last second: KIND".
    [[nodiscard]] std::string text() const;
  };

  /// Whether one more is told. If a second is over, take its `rests` before.
  [[nodiscard]] bool admits(std::string_view kind, Milliseconds now);
  /// When the present second is over, if something was held back in it.
  [[nodiscard]] std::optional<Milliseconds> due() const;
  [[nodiscard]] bool over(Milliseconds now) const { return now - begin_ >= period; }
  /// Ends the second: what was held back in it.
  std::vector<Rest> rests();

 private:
  struct Kind {
    std::string name;
    unsigned told = 0;
    std::uint64_t held = 0;
  };
  Kind& kind_of(std::string_view name);

  unsigned of_a_kind_ = most_of_a_kind;
  unsigned of_all_ = most_of_all;
  std::vector<Kind> kinds_;
  unsigned told_ = 0;
  bool holds_ = false;
  Milliseconds begin_{0};
};

}  // namespace baton
