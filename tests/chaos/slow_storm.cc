#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "chaos/slow_clients.h"
#include "chaos/storms.h"

namespace baton::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = Drive::Clock;

constexpr std::uint64_t most_memory = 20'000;  // a connection, in bytes
constexpr auto patience_with_slow = 60s;

// For us and for the workers, who get it from us.
void need_descriptors(rlim_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < count) {
    throw std::runtime_error("this process may have " + std::to_string(limit.rlim_max) + " descriptors, " +
                             std::to_string(count) + " are needed");
  }
  limit.rlim_cur = std::max(limit.rlim_cur, count);
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Somebody who asks in the ordinary way, on connections that are kept and on new ones.
void ask_as_others_do(World& world, const Service& service, Drive& drive) {
  drive.add(world.load_on(service).clients(8).keep_alive().think(20ms).patience(30s));
  drive.add(world.load_on(service).rate(50).patience(30s));
}

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[200];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

double in_ms(std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1e3; }
double in_s(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void slow_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto count = static_cast<unsigned>(numbers.slow_clients);
  const Clock::duration limit = std::chrono::seconds(numbers.seconds_for_a_head);
  need_descriptors(count + 1000);
  const auto service = world.ground().start(
      "slow", Setup(kind).for_worker({"--headers-timeout", std::to_string(numbers.seconds_for_a_head)}));

  Drive alone;
  ask_as_others_do(world, *service, alone);
  for (const auto began = Clock::now(); Clock::now() - began < limit / 6;) alone.step();
  alone.finish();
  row.expect(alone.total().failed() == 0, "not all were answered before it");

  const std::uint64_t memory_before = service->private_bytes();
  std::uint64_t memory = memory_before;
  Drive drive;
  ask_as_others_do(world, *service, drive);
  SlowClients slow(service->port(), count, limit / 6, limit / 6);
  const auto began = Clock::now();
  for (auto looked = began; slow.ended() < count;) {
    drive.step();
    slow.step();
    service->listen_to_it();
    if (const auto now = Clock::now(); now - looked > limit / 12) {
      looked = now;
      memory = std::max(memory, service->private_bytes());
      if (now - began > 2 * limit + patience_with_slow)
        throw std::runtime_error(grouped(count - slow.ended()) + " slow clients were not cut");
    }
    world.progress(row, grouped(slow.begun()) + " slow clients, " + grouped(slow.ended()) + " of them over");
  }
  drive.finish();

  const std::uint64_t each = (memory - memory_before) / count;
  const double usual = in_ms(alone.total().quantile(0.99));
  const double among_them = in_ms(drive.total().quantile(0.99));
  row.note(grouped(count) + " slow clients, cut after " +
           text("%.1f to %.1f s", in_s(slow.shortest_life()), in_s(slow.longest_life())));
  row.note(text("%.1f KB each", static_cast<double>(each) / 1e3));
  row.note(text("p99 of the others %.2f ms, before %.2f ms", among_them, usual));
  row.expect(slow.told() == count, grouped(count - slow.told()) + " were cut without a word");
  row.expect(each < most_memory, "they hold too much memory");
  if (numbers.judges_speed) {
    // A worker's clock stands still while it is busy, so it may have begun a little before the client.
    row.expect(slow.shortest_life() > limit - 200ms, "one was cut early");
    row.expect(slow.longest_life() < limit + 1s, "one was cut late");
    row.expect(among_them < 2 * usual, "the others were held up");
  }
  row.expect(drive.total().failed() == 0, "not all were answered");
  row.take(drive);
  row.end(*service);
}

}  // namespace baton::chaos
