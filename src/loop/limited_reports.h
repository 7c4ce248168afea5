#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/report_limit.h"
#include "baton/base/error.h"
#include "baton/loop/loop.h"

namespace baton {

/// Lines about what one peer does wrong. However much that is, a few are told in a second, and how many there
/// were beside them when it is over (see ReportLimit); a line is cut at 1 KiB.
class LimitedReports {
 public:
  /// `say` writes a line, and may destroy this.
  LimitedReports(Loop& loop, std::move_only_function<void(std::string_view line)> say,
                 const ReportLimit& limit = ReportLimit());
  LimitedReports(const LimitedReports&) = delete;
  LimitedReports& operator=(const LimitedReports&) = delete;
  /// What was held back and is not told yet is not told any more.
  ~LimitedReports();

  /// Its kind is its operation and cause.
  void report(const Error& error);
  /// Tells now how many were held back: before the last that is said of the peer.
  void finish();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace baton
