#include "chaos/drive.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace baton::chaos {
namespace {

using namespace std::chrono_literals;

// A port is used again some time later; then an old grave explains nothing.
constexpr auto grave_is_fresh = 5s;

}  // namespace

void Drive::add(const load::Options& options) {
  loads_.push_back(std::make_unique<load::Load>(options));
  loads_.back()->on_answer([this](pid_t) { answered_one(); });
  loads_.back()->on_failure([this](const load::Failure& failure) { failed(failure); });
}

void Drive::answered_one() {
  ++answered_;
  const auto now = Clock::now();
  longest_silence_ = std::max(longest_silence_, now - last_answer_);
  last_answer_ = now;
}

std::chrono::milliseconds Drive::longest_silence() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::exchange(longest_silence_, Clock::duration::zero()));
}

void Drive::failed(const load::Failure& failure) {
  using load::Fate;
  if (failure.fate() != Fate::reset_before && failure.fate() != Fate::reset_after &&
      failure.fate() != Fate::eof)
    return;
  while (!graves_.empty() && graves_.front().when + grave_is_fresh < failure.when()) graves_.pop_front();
  const bool held = std::ranges::any_of(
      graves_, [&](const Grave& grave) { return grave.ports.contains(failure.local_port()); });
  ++(held ? explained_ : unexplained_);
}

void Drive::step() {
  for (const auto& load : loads_) load->step(load == loads_.front() ? 1ms : 0ms);
  if (Clock::now() - last_answer_ > patience)
    throw std::runtime_error("nobody has been answered for a minute");
}

void Drive::finish() {
  last_answer_ = Clock::now();
  for (const auto& load : loads_) load->stop();
  while (!std::ranges::all_of(loads_, [](const auto& load) { return load->finished(); })) step();
}

std::uint64_t Drive::answered_by(pid_t worker) const {
  std::uint64_t sum = 0;
  for (const auto& load : loads_) {
    const auto& workers = load->tally().by_worker();
    if (const auto found = workers.find(worker); found != workers.end()) sum += found->second;
  }
  return sum;
}

load::Tally Drive::total() const {
  load::Tally sum;
  for (const auto& load : loads_) sum.merge(load->tally());
  return sum;
}

}  // namespace baton::chaos
