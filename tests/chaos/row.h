#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chaos/drive.h"
#include "chaos/service.h"
#include "load/tally.h"

namespace baton::chaos {

/// What a storm showed: a line of the table.
class Row {
 public:
  Row(std::string storm, std::string workers) : storm_(std::move(storm)), workers_(std::move(workers)) {}

  /// What became of the requests. Refused, hung, wrong and twice answered requests are faults in every storm,
  /// and so is what was lost without a killed worker to explain it.
  void take(const Drive& drive);
  /// Ends the service; a fault if it does not end as it should or leaves a process behind.
  void end(Service& service);
  void expect(bool holds, const std::string& otherwise) {
    if (!holds) faults_.push_back(otherwise);
  }
  void note(const std::string& what) { notes_.push_back(what); }

  [[nodiscard]] bool holds() const { return faults_.empty(); }
  [[nodiscard]] const std::string& storm() const { return storm_; }
  [[nodiscard]] const std::string& workers() const { return workers_; }
  [[nodiscard]] const load::Tally& tally() const { return tally_; }
  /// What must be told beside the numbers, the faults last.
  [[nodiscard]] std::string remarks() const;
  [[nodiscard]] std::vector<std::string> cells() const;

 private:
  std::string storm_;
  std::string workers_;
  load::Tally tally_;
  std::uint64_t explained_ = 0;
  std::uint64_t unexplained_ = 0;
  std::vector<std::string> notes_;
  std::vector<std::string> faults_;
};

/// Prints the table to standard output.
void print_table(const std::vector<Row>& rows);

/// 1234567 as 1,234,567.
std::string grouped(std::uint64_t number);

}  // namespace baton::chaos
