#include "models/chart.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "models/table.h"
#include "support/svg.h"

namespace models {
namespace {

namespace svg = bench::svg;

constexpr int names_end = 150;
constexpr int column_width = 250;
constexpr int longest_bar = 170;
constexpr int bar_height = 11;
constexpr int line_height = 16;
constexpr int chart_width = names_end + 10 + 3 * column_width;

struct Column {
  std::string_view name;
  std::string_view colour;
  double (*value)(const Row& row);
  std::string (*text)(const Row& row);
};
constexpr std::array<Column, 3> columns = {
    {{"requests/s", "#2e8b57", [](const Row& row) { return row.figures.requests_per_second; },
      [](const Row& row) { return number_of(row.figures.requests_per_second); }},
     {"p99, ms", "#c0392b", [](const Row& row) { return row.figures.p99_ms; }, p99_of},
     {"memory, MiB", "#7f8c8d", [](const Row& row) { return row.footprint.mib; },
      [](const Row& row) { return number_of(row.footprint.mib); }}}};

std::string block_of(std::span<const Row> rows, bool keep_alive, int& y) {
  const Row& first = rows.front();
  std::string drawn = svg::text(10, y + 12,
                                std::to_string(first.connections) +
                                    (first.connections == 1 ? " connection; " : " connections; ") +
                                    describe_load(first.think_ms, keep_alive),
                                R"(font-weight="bold")");
  y += line_height + 4;
  for (const Row& row : rows) {
    drawn += svg::text(names_end, y + bar_height - 1, row.model->what, R"(text-anchor="end")");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      double largest = 0;
      for (const Row& other : rows) largest = std::max(largest, column.value(other));
      const int x = names_end + 10 + static_cast<int>(i) * column_width;
      const int wide =
          largest > 0 ? std::max(1, static_cast<int>(column.value(row) / largest * longest_bar)) : 1;
      drawn += svg::rectangle(x, y, wide, bar_height, column.colour);
      drawn += svg::text(x + wide + 5, y + bar_height - 2, column.text(row), R"(class="figure")");
    }
    y += line_height;
  }
  y += line_height;
  return drawn;
}

}  // namespace

std::string chart_of(const std::vector<Row>& rows, bool keep_alive) {
  std::string drawn;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int x = names_end + 10 + static_cast<int>(i) * column_width;
    drawn += svg::rectangle(x, 12, bar_height, bar_height, columns[i].colour) +
             svg::text(x + 18, 22, columns[i].name);
  }
  int y = 36;
  const auto same_load = [](const Row& one, const Row& other) {
    return one.think_ms == other.think_ms && one.connections == other.connections;
  };
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end =
        std::find_if_not(begin, rows.end(), [&](const Row& row) { return same_load(*begin, row); });
    drawn += block_of(std::span(begin, end), keep_alive, y);
    begin = end;
  }
  return svg::document(chart_width, y, drawn);
}

}  // namespace models
