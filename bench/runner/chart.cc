#include "runner/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "support/svg.h"

namespace bench {
namespace {

constexpr int width = 860;
constexpr int left = 400;
constexpr int longest_bar = 360;
constexpr int bar = 13;
constexpr int gap = 14;
constexpr int top = 40;

struct Series {
  std::string_view name;
  std::string_view colour;
};
constexpr std::array<Series, 3> series = {
    {{"Baton", "#c0392b"}, {"bare program or nginx", "#7f8c8d"}, {"Node", "#2e8b57"}}};

std::string legend() {
  std::string drawn;
  int x = left;
  for (const auto& [name, colour] : series) {
    drawn += svg::rectangle(x, 12, bar, bar - 2, colour) + svg::text(x + 18, 22, name);
    x += 34 + 7 * static_cast<int>(name.size());
  }
  return drawn;
}

std::string row(const Line& line, int y) {
  const auto figures = line.figures();
  double largest = 0;
  for (const double figure : figures) largest = std::isnan(figure) ? largest : std::max(largest, figure);
  std::string drawn = svg::text(left - 10, y + bar + 6, line.what(), R"(text-anchor="end")");
  for (size_t i = 0; i < figures.size(); ++i) {
    if (std::isnan(figures[i])) continue;
    const int wide = largest > 0 ? std::max(1, static_cast<int>(figures[i] / largest * longest_bar)) : 1;
    drawn += svg::rectangle(left, y, wide, bar - 2, series[i].colour);
    drawn += svg::text(left + wide + 5, y + bar - 3, line.cells()[i + 1], R"(class="figure")");
    y += bar;
  }
  return drawn;
}

long bars_of(const Line& line) {
  return std::ranges::count_if(line.figures(), [](double figure) { return !std::isnan(figure); });
}

}  // namespace

void write_chart(const std::vector<Line>& lines, const std::filesystem::path& file) {
  std::string drawn = legend();
  int y = top;
  for (const Line& line : lines) {
    if (bars_of(line) < 2) continue;
    drawn += row(line, y);
    y += static_cast<int>(bars_of(line)) * bar + gap;
  }
  std::ofstream(file) << svg::document(width, y, drawn);
}

}  // namespace bench
