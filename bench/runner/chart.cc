#include "runner/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

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

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string text(int x, int y, std::string_view words, std::string_view more = "") {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" " + std::string(more) + ">" +
         escaped(words) + "</text>\n";
}

std::string rectangle(int x, int y, int wide, std::string_view colour) {
  return "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" +
         std::to_string(wide) + "\" height=\"" + std::to_string(bar - 2) + "\" fill=\"" +
         std::string(colour) + "\"/>\n";
}

std::string legend() {
  std::string drawn;
  int x = left;
  for (const auto& [name, colour] : series) {
    drawn += rectangle(x, 12, bar, colour) + text(x + 18, 22, name);
    x += 34 + 7 * static_cast<int>(name.size());
  }
  return drawn;
}

std::string row(const Line& line, int y) {
  const auto figures = line.figures();
  double largest = 0;
  for (const double figure : figures) largest = std::isnan(figure) ? largest : std::max(largest, figure);
  std::string drawn = text(left - 10, y + bar + 6, line.what(), R"(text-anchor="end")");
  for (size_t i = 0; i < figures.size(); ++i) {
    if (std::isnan(figures[i])) continue;
    const int wide = largest > 0 ? std::max(1, static_cast<int>(figures[i] / largest * longest_bar)) : 1;
    drawn += rectangle(left, y, wide, series[i].colour);
    drawn += text(left + wide + 5, y + bar - 3, line.cells()[i + 1], R"(class="figure")");
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
  std::ofstream(file) << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << y
                      << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
                      << "<style>.figure { font-size: 10px; fill: #444 }</style>\n"
                      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
                      << drawn << "</svg>\n";
}

}  // namespace bench
