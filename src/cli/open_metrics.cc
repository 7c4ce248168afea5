#include "cli/open_metrics.h"

#include <array>
#include <charconv>

namespace baton::cli {
namespace {

std::string_view name_of(OpenMetrics::Type type) {
  switch (type) {
    case OpenMetrics::Type::gauge:
      return "gauge";
    case OpenMetrics::Type::counter:
      return "counter";
    case OpenMetrics::Type::summary:
      return "summary";
  }
  return "unknown";
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

std::string text_of(double value) {
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

}  // namespace

void OpenMetrics::family(std::string_view name, Type type, std::string_view unit, std::string_view help) {
  name_ = name;
  suffix_ = type == Type::counter ? "_total" : "";
  text_.append("# TYPE ").append(name).append(" ").append(name_of(type)).append("\n");
  if (!unit.empty()) text_.append("# UNIT ").append(name).append(" ").append(unit).append("\n");
  text_.append("# HELP ").append(name).append(" ");
  append_escaped(text_, help);
  text_ += '\n';
}

void OpenMetrics::sample(std::string_view suffix, Labels labels, std::string_view value) {
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [label, meaning] : labels) {
    text_ += separator;
    text_.append(label).append("=\"");
    append_escaped(text_, meaning);
    text_ += '"';
    separator = ',';
  }
  if (labels.size() > 0) text_ += '}';
  text_.append(" ").append(value).append("\n");
}

void OpenMetrics::add(Labels labels, double value) { sample(suffix_, labels, text_of(value)); }
void OpenMetrics::add(Labels labels, std::uint64_t value) { sample(suffix_, labels, std::to_string(value)); }
void OpenMetrics::add(std::uint64_t count, double sum) {
  sample("_count", {}, std::to_string(count));
  sample("_sum", {}, text_of(sum));
}

std::string OpenMetrics::finish() { return std::move(text_.append("# EOF\n")); }

}  // namespace baton::cli
