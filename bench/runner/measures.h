#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/contest.h"
#include "runner/table.h"

namespace bench {

/// One thing to measure, and the lines of the table that come of it.
class Measure {
 public:
  Measure(Contest contest, std::function<std::vector<Line>(const Figures&)> lines)
      : contest_(std::move(contest)), lines_(std::move(lines)) {}
  [[nodiscard]] const Contest& contest() const noexcept { return contest_; }
  [[nodiscard]] std::vector<Line> lines(const Figures& figures) const { return lines_(figures); }

 private:
  Contest contest_;
  std::function<std::vector<Line>(const Figures&)> lines_;
};

/// Everything that is measured. `programs` is the folder of the measuring programs, `hello` the server.
std::vector<Measure> all_measures(const std::string& programs, const std::string& hello,
                                  const std::string& node);

}  // namespace bench
