#include "loop/limited_reports.h"

#include <string>
#include <utility>

#include "base/excerpt.h"
#include "baton/loop/timer.h"

namespace baton {

struct LimitedReports::State : std::enable_shared_from_this<State> {
  State(Loop& owner, std::move_only_function<void(std::string_view)> writer, const ReportLimit& most)
      : loop(owner), say(std::move(writer)), limit(most) {}

  void report(const Error& error) {
    const auto self = shared_from_this();
    if (limit.over(loop.now())) tell_rests();
    if (closed) return;
    const std::string kind = error.operation() + ": " + error.code().message();
    if (limit.admits(kind, loop.now())) return say(excerpt(error.what()));
    if (second.active()) return;
    second = Timer(loop, *limit.due() - loop.now(), [this] {
      second.stop();
      tell_rests();
    });
    second.unref();
  }

  void tell_rests() {
    const auto self = shared_from_this();
    second.stop();
    for (const ReportLimit::Rest& rest : limit.rests()) {
      if (!closed) say(rest.text());
    }
  }

  Loop& loop;
  std::move_only_function<void(std::string_view)> say;
  ReportLimit limit;
  Timer second;
  bool closed = false;
};

LimitedReports::LimitedReports(Loop& loop, std::move_only_function<void(std::string_view line)> say,
                               const ReportLimit& limit)
    : state_(std::make_shared<State>(loop, std::move(say), limit)) {}
LimitedReports::~LimitedReports() {
  state_->closed = true;
  state_->second.stop();
}
void LimitedReports::report(const Error& error) {
  const auto state = state_;
  state->report(error);
}
void LimitedReports::finish() {
  const auto state = state_;
  state->tell_rests();
}

}  // namespace baton
