#include "runner/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace bench {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "-";
  char text[32];
  const double size = std::fabs(value);
  const int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

std::string Target::to_string() const {
  char text[32];
  std::snprintf(text, sizeof text, "%g", limit_);
  return std::string(at_most_ ? "<= " : ">= ") + text + " " + of_;
}

std::optional<bool> Line::met() const {
  if (!target_ || std::isnan(*judged_)) return std::nullopt;
  return target_->met(*judged_);
}

std::vector<std::string> Line::cells() const {
  const auto verdict = met();
  return {what_,
          number(baton_),
          number(bare_),
          number(node_),
          judged_ ? number(*judged_) : "",
          target_ ? target_->to_string() : "",
          verdict ? (*verdict ? "met" : "not met") : ""};
}

void print_table(const std::vector<Line>& lines) {
  std::vector<std::vector<std::string>> rows = {{"what", "Baton", "bare", "Node", "ratio", "target", ""}};
  for (const Line& line : lines) rows.push_back(line.cells());
  std::array<size_t, 7> widths{};
  for (const auto& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) {
      const bool is_number = i > 0 && i < 5;
      std::printf(is_number ? "%*s  " : "%-*s  ", static_cast<int>(widths[i]), row[i].c_str());
    }
    std::puts("");
  }
}

}  // namespace bench
