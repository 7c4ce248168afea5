#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace baton::cli {

// What a text means, or one line that says what is wrong with it.
template <class T>
using Parsed = std::expected<T, std::string>;

// "1500", "1500ms", "1.5s", "2m", "1h"; a bare number is milliseconds.
[[nodiscard]] Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);
// "100ms..30s", the first at most the second.
[[nodiscard]] Parsed<std::pair<std::chrono::milliseconds, std::chrono::milliseconds>> parse_backoff(
    std::string_view text);
// Bytes: "1048576", "1024K", "512M", "2G".
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);
// A whole number of at least `least`.
[[nodiscard]] Parsed<unsigned> parse_count(std::string_view text, unsigned least, unsigned most);
// "max", which is what affinity and cgroup allow, or how many.
[[nodiscard]] Parsed<unsigned> parse_workers(std::string_view text);
// A name or a number.
[[nodiscard]] Parsed<int> parse_signal(std::string_view text);

}  // namespace baton::cli
