#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/contest.h"
#include "runner/programs.h"
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

/// Everything that is measured.
std::vector<Measure> all_measures(const Programs& programs);
/// Of it, what is about many workers behind one port.
std::vector<Measure> cluster_measures(const Programs& programs);
/// Of it, what depends on how messages are written, beside the newest Node.
std::vector<Measure> serialization_measures(const Programs& programs);

}  // namespace bench
