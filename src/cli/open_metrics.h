#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace baton::cli {

// A text in the OpenMetrics format, family by family: the names, kinds and values are the caller's.
class OpenMetrics {
 public:
  static constexpr std::string_view content_type =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  enum class Type { gauge, counter, summary };
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // What follows belongs to the family `name`: without "_total", and with the unit, if there is one, at its
  // end.
  void family(std::string_view name, Type type, std::string_view unit, std::string_view help);
  // A value of the family.
  void add(Labels labels, double value);
  void add(Labels labels, std::uint64_t value);
  // For a summary: how many there were, and what they are together.
  void add(std::uint64_t count, double sum);

  // The whole text. Nothing may be added afterwards.
  [[nodiscard]] std::string finish();

 private:
  void sample(std::string_view suffix, Labels labels, std::string_view value);

  std::string text_;
  std::string name_;
  std::string_view suffix_;
};

}  // namespace baton::cli
