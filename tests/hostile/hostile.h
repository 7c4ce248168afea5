#pragma once

#include <string>
#include <string_view>

#include "process/faces/baton_run.h"

namespace baton::test {

/// Whether all of it is wanted (`./dev hostile`: sizes and times as the bounds are stated for), or the short
/// form that `./dev test` has time for.
[[nodiscard]] bool whole();

/// A row of the table of `./dev hostile`: what was done, what it may cost at most, and what it cost. More
/// than the bound fails the test.
void expect_within(std::string_view what, double figure, double bound, std::string_view unit);
/// The same for a time. In the short form it is only seen not to be for ever: the tests run beside others,
/// and sanitized.
void expect_in_time(std::string_view what, double milliseconds, double bound);

/// `baton run` with workers that mean harm.
class Hostile : public BatonRun {
 protected:
  // Python gets no channel by itself.
  Hostile() { always = {"--channel", "yes"}; }
  /// The path of tests/hostile/workers/NAME.
  [[nodiscard]] static std::string worker(const std::string& name);
  /// A Python that starts at once: what a user may have put before it in PATH takes its time.
  [[nodiscard]] static std::string python();
  /// The resident memory of a process, in MiB, and how many descriptors it has.
  [[nodiscard]] static double memory(pid_t pid);
  /// The most that it ever had of it.
  [[nodiscard]] static double peak_memory(pid_t pid);
  [[nodiscard]] static double descriptors(pid_t pid);
};

}  // namespace baton::test
