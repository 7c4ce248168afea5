#include "base/report_limit.h"

#include <algorithm>
#include <utility>

#include "base/excerpt.h"

namespace baton {
namespace {

constexpr std::size_t longest_kind = 200;

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return digits;
}

}  // namespace

std::string ReportLimit::Rest::text() const {
  return "and " + grouped(count) + " more in the last second: " + kind;
}

bool ReportLimit::admits(std::string_view kind, Milliseconds now) {
  if (kinds_.empty()) begin_ = now;
  Kind& entry = kind_of(kind);
  if (told_ < of_all_ && entry.told < of_a_kind_) {
    ++told_;
    ++entry.told;
    return true;
  }
  ++entry.held;
  holds_ = true;
  return false;
}

ReportLimit::Kind& ReportLimit::kind_of(std::string_view name) {
  const std::string known = excerpt(name, longest_kind);
  const auto found = std::ranges::find(kinds_, known, &Kind::name);
  if (found != kinds_.end()) return *found;
  if (kinds_.size() < most_kinds) return kinds_.emplace_back(Kind{.name = known});
  kinds_.back().name = "of other kinds";
  return kinds_.back();
}

std::optional<ReportLimit::Milliseconds> ReportLimit::due() const {
  return holds_ ? std::optional(begin_ + period) : std::nullopt;
}

std::vector<ReportLimit::Rest> ReportLimit::rests() {
  std::vector<Rest> result;
  for (Kind& kind : kinds_) {
    if (kind.held > 0) result.push_back({std::move(kind.name), kind.held});
  }
  kinds_.clear();
  told_ = 0;
  holds_ = false;
  return result;
}

}  // namespace baton
