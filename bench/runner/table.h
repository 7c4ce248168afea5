#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// A bound that the project set itself.
class Target {
 public:
  static Target at_most(double limit, std::string of) { return {limit, true, std::move(of)}; }
  static Target at_least(double limit, std::string of) { return {limit, false, std::move(of)}; }
  [[nodiscard]] bool met(double value) const { return at_most_ ? value <= limit_ : value >= limit_; }
  [[nodiscard]] std::string to_string() const;

 private:
  Target(double limit, bool at_most, std::string of) : limit_(limit), at_most_(at_most), of_(std::move(of)) {}
  double limit_;
  bool at_most_;
  std::string of_;
};

/// One line of the table. What was not measured is NaN and shown as "-".
class Line {
 public:
  Line(std::string what, double baton, double bare, double node)
      : what_(std::move(what)), baton_(baton), bare_(bare), node_(node) {}
  /// Compares `value` (a ratio, or a figure itself) with a target.
  Line& judge(double value, Target target) {
    judged_ = value;
    target_ = std::move(target);
    return *this;
  }
  /// A ratio without a target.
  Line& ratio(double value) { return judged_ = value, *this; }

  /// The cells: what, Baton, bare, Node, ratio, target, verdict.
  [[nodiscard]] std::vector<std::string> cells() const;
  [[nodiscard]] const std::string& what() const noexcept { return what_; }
  /// Baton, bare, Node.
  [[nodiscard]] std::array<double, 3> figures() const noexcept { return {baton_, bare_, node_}; }
  /// Nothing if there is no target or it could not be measured.
  [[nodiscard]] std::optional<bool> met() const;

 private:
  std::string what_;
  double baton_;
  double bare_;
  double node_;
  std::optional<double> judged_;
  std::optional<Target> target_;
};

void print_table(const std::vector<Line>& lines);

}  // namespace bench
