#include "load/tally.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace baton::load {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr std::size_t most_times = 4'000'000;

// printf into a string; the lines here are short.
template <class... Values>
std::string text(const char* format, Values... values) {
  char line[160];
  return {line, static_cast<std::size_t>(std::snprintf(line, sizeof line, format, values...))};
}

double in_ms(microseconds time) { return static_cast<double>(time.count()) / 1e3; }
unsigned long long wide(std::uint64_t number) { return number; }

}  // namespace

void Tally::add(Fate fate, Clock::time_point now) {
  ++fates_[static_cast<std::size_t>(fate)];
  last_ = now;
}

void Tally::add_answer(pid_t worker, Clock::duration took, Clock::time_point now) {
  add(Fate::answered, now);
  ++by_worker_[worker];
  longest_gap_ = std::max(longest_gap_, now - last_answer_);
  last_answer_ = now;
  if (took_us_.size() < most_times)
    took_us_.push_back(static_cast<std::uint32_t>(duration_cast<microseconds>(took).count()));
}

void Tally::merge(const Tally& other) {
  for (std::size_t i = 0; i < fate_count; ++i) fates_[i] += other.fates_[i];
  seconds_ += other.seconds_;
  idle_ends_ += other.idle_ends_;
  for (const auto& [worker, count] : other.by_worker_) by_worker_[worker] += count;
  const std::size_t room =
      std::min(most_times - std::min(most_times, took_us_.size()), other.took_us_.size());
  took_us_.insert(took_us_.end(), other.took_us_.begin(),
                  other.took_us_.begin() + static_cast<std::ptrdiff_t>(room));
  const bool first = began_ == Clock::time_point();
  began_ = first ? other.began_ : std::min(began_, other.began_);
  last_ = std::max(last_, other.last_);
  last_answer_ = std::max(last_answer_, other.last_answer_);
  longest_gap_ = std::max(longest_gap_, other.longest_gap_);
}

std::uint64_t Tally::requests() const {
  return std::accumulate(fates_.begin(), fates_.end(), std::uint64_t{0});
}

microseconds Tally::longest_gap() const {
  return duration_cast<microseconds>(std::max(longest_gap_, last_ - last_answer_));
}

microseconds Tally::quantile(double part) const {
  if (took_us_.empty()) return {};
  std::vector<std::uint32_t> sorted = took_us_;
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(sorted.size() - 1));
  std::ranges::nth_element(sorted, at);
  return microseconds(*at);
}

std::string Tally::to_json() const {
  std::string json = text("{\"requests\":%llu", wide(requests()));
  for (std::size_t i = 0; i < fate_count; ++i)
    json += text(",\"%s\":%llu", fate_names[i].data(), wide(fates_[i]));
  json += text(",\"second\":%llu,\"idle_ends\":%llu,\"seconds\":%.3f", wide(seconds_), wide(idle_ends_),
               seconds());
  json += text(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"longest_gap_ms\":%.3f",
               in_ms(quantile(0.5)), in_ms(quantile(0.99)), in_ms(quantile(1)), in_ms(longest_gap()));
  json += ",\"workers\":{";
  for (const auto& [worker, count] : by_worker_)
    json += text("%s\"%d\":%llu", json.back() == '{' ? "" : ",", worker, wide(count));
  return json + "}}";
}

std::string Tally::to_table() const {
  std::string table;
  for (std::size_t i = 0; i < fate_count; ++i) {
    std::string name(fate_names[i]);
    std::ranges::replace(name, '_', ' ');
    table += text("%-18s %10llu\n", name.c_str(), wide(fates_[i]));
  }
  table += text("%-18s %10llu\n", "answered twice", wide(seconds_));
  table += text("%-18s %10llu\n", "ended while idle", wide(idle_ends_));
  const double rate = seconds() > 0 ? static_cast<double>(answered()) / seconds() : 0;
  table += text("%-18s %10.1f s, %.0f answers/s\n", "took", seconds(), rate);
  table += text("%-18s %10.2f ms half, %.2f ms 99 of 100, %.2f ms all\n", "answered within",
                in_ms(quantile(0.5)), in_ms(quantile(0.99)), in_ms(quantile(1)));
  table += text("%-18s %10.2f ms\n", "longest silence", in_ms(longest_gap()));
  if (by_worker_.empty()) return table;
  const auto [least, most] =
      std::ranges::minmax_element(by_worker_, {}, [](const auto& entry) { return entry.second; });
  table += text("%-18s %10zu, %llu to %llu answers each\n", "workers", by_worker_.size(), wide(least->second),
                wide(most->second));
  return table;
}

}  // namespace baton::load
