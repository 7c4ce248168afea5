#include "supervisor/reload_plan.h"

#include <algorithm>
#include <utility>

namespace baton::supervisor {
namespace {

bool contains(const std::deque<unsigned>& slots, unsigned slot) {
  return std::ranges::find(slots, slot) != slots.end();
}

}  // namespace

void ScaleRequest::add(int by) noexcept {
  empty_ = false;
  if (exact_) {
    exact_ = std::max(*exact_ + by, 1LL);
    return;
  }
  by_ += by;
  least_ = std::max(least_ + by, 1LL);
}

void ScaleRequest::set(unsigned workers) noexcept {
  empty_ = false;
  exact_ = workers;
}

unsigned ScaleRequest::apply(unsigned workers) const noexcept {
  return static_cast<unsigned>(exact_.value_or(std::max<long long>(workers + by_, least_)));
}

void ReloadPlan::ask_reload() { reload_ = true; }

void ReloadPlan::ask_scale(int by) { (reload_ ? after_ : before_).add(by); }

void ReloadPlan::ask_scale_to(unsigned workers) { (reload_ ? after_ : before_).set(workers); }

void ReloadPlan::ask_replacement(unsigned slot) {
  if (reload_ || contains(replacements_, slot)) return;
  if (running_ && contains(slots_, slot)) return;
  replacements_.push_back(slot);
}

ReloadPlan::Next ReloadPlan::next() const noexcept {
  if (running_) return Next::nothing;
  if (!before_.empty()) return Next::scale;
  if (reload_) return Next::reload;
  return replacements_.empty() ? Next::nothing : Next::replacement;
}

ScaleRequest ReloadPlan::take_scale() noexcept { return std::exchange(before_, ScaleRequest()); }

void ReloadPlan::begin_reload(std::deque<unsigned> slots) {
  running_ = whole_ = true;
  reload_ = false;
  before_ = std::exchange(after_, ScaleRequest());
  replacements_.clear();
  slots_ = std::move(slots);
}

void ReloadPlan::begin_replacement() {
  running_ = true;
  whole_ = false;
  slots_ = {replacements_.front()};
  replacements_.pop_front();
}

std::optional<unsigned> ReloadPlan::slot() const {
  if (slots_.empty()) return std::nullopt;
  return slots_.front();
}

void ReloadPlan::end() noexcept {
  running_ = false;
  slots_.clear();
}

}  // namespace baton::supervisor
