#include "cli/units.h"

#include <array>
#include <charconv>
#include <cmath>

#include "baton/process/process.h"
#include "baton/spawn/signal_names.h"

namespace baton::cli {
namespace {

using std::chrono::milliseconds;

constexpr unsigned most_workers = 10'000;
// Longer ones are mistakes, and would overflow a clock in nanoseconds.
constexpr double longest = 1000.0 * 60 * 60 * 24 * 366 * 10;

std::unexpected<std::string> refuse(std::string_view text, std::string_view wanted) {
  return std::unexpected("'" + std::string(text) + "' is not " + std::string(wanted));
}

// Digits with at most one point in between; the rest of `text` stays.
bool take_number(std::string_view& text, double& number) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view digits = text.substr(0, end);
  if (digits.empty() || digits.front() == '.' || digits.back() == '.') return false;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || stop != digits.data() + digits.size()) return false;
  text.remove_prefix(end);
  return true;
}

}  // namespace

Parsed<milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> units = {
      {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  std::string_view rest = text;
  double number = 0;
  if (take_number(rest, number)) {
    for (const auto& [name, factor] : units) {
      if (rest != name) continue;
      if (number * factor > longest) return refuse(text, "a time of less than ten years");
      return milliseconds(std::llround(number * factor));
    }
  }
  return refuse(text, "a time such as 500ms, 5s, 2m or 1h");
}

Parsed<std::pair<milliseconds, milliseconds>> parse_backoff(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return refuse(text, "two times such as 100ms..30s");
  const auto first = parse_duration(text.substr(0, dots));
  if (!first) return std::unexpected(first.error());
  const auto last = parse_duration(text.substr(dots + 2));
  if (!last) return std::unexpected(last.error());
  if (*first > *last) return refuse(text, "two times of which the first is the shorter one");
  return std::pair(*first, *last);
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::string_view letters = "KMG";
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view rest(stop, static_cast<std::size_t>(text.data() + text.size() - stop));
  std::uint64_t factor = 1;
  if (rest.size() == 1) {
    const std::size_t letter = letters.find(static_cast<char>(rest.front() & ~0x20));
    if (letter != letters.npos) {
      factor = std::uint64_t{1} << (10 * (letter + 1));
      rest = {};
    }
  }
  if (error != std::errc() || !rest.empty() || number == 0 || number > UINT64_MAX / factor) {
    return refuse(text, "a size in bytes, or with K, M or G, such as 512M");
  }
  return number * factor;
}

Parsed<unsigned> parse_count(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || number < least || number > most) {
    return refuse(text, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

Parsed<unsigned> parse_workers(std::string_view text) {
  if (text == "max") return available_parallelism();
  auto number = parse_count(text, 1, most_workers);
  if (!number) number.error() += " or 'max'";
  return number;
}

Parsed<int> parse_signal(std::string_view text) {
  if (const auto number = signal_number(text)) return *number;
  return refuse(text, "a signal such as SIGTERM, TERM or 15");
}

}  // namespace baton::cli
