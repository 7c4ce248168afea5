#include "supervisor/usage_looks.h"

#include <algorithm>
#include <chrono>
#include <memory>

namespace baton::supervisor {
namespace {

// As long as it may take of a process with much memory.
constexpr std::chrono::milliseconds patience(2000);

}  // namespace

void UsageLooks::measure(const std::vector<Whom>& whom,
                         std::move_only_function<void(std::vector<Usage>)> done) {
  std::erase_if(held_, [](const auto& one) { return one.second.finish(std::chrono::milliseconds(0)); });
  whom_.clear();
  std::ranges::remove_copy_if(whom, std::back_inserter(whom_), [this](const Whom& one) {
    return std::ranges::any_of(held_, [&](const auto& held) { return held.first == one.second; });
  });
  done_ = std::move(done);
  found_.clear();
  go_on();
}

void UsageLooks::go_on() {
  const auto usage = std::make_shared<Usage>();
  const auto job = [usage, of = of_, next = whom_.empty() ? Whom() : whom_.front()] {
    if (next.second != 0) *usage = of(next.second, next.first);
  };
  look_ = spawner::Look(loop_, lane_, patience, job, [this, usage](const Result<void>& looked) {
    if (looked && !whom_.empty()) found_.push_back(*usage);
    // The thread is left to whom it looks at.
    if (!looked && !whom_.empty())
      held_.emplace_back(whom_.front().second, std::exchange(lane_, spawner::Lane()));
    if (!whom_.empty()) whom_.pop_front();
    if (!whom_.empty()) return go_on();
    std::exchange(done_, nullptr)(std::move(found_));
  });
  if (!keeps_loop_) look_.unref();
}

void UsageLooks::stop() noexcept {
  look_ = {};
  done_ = nullptr;
}

}  // namespace baton::supervisor
