#include <signal.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "chaos/storms.h"

namespace baton::chaos {
namespace {

using namespace std::chrono_literals;

// Deaths that are no sign of a bad program: it is replaced at once, however often.
Setup restarted_at_once(Kind kind) { return Setup(kind).with({"--max-restarts", "0", "--min-uptime", "0"}); }

void add_mixed_load(World& world, const Service& service, Drive& drive) {
  drive.add(world.load_on(service).clients(20));
  drive.add(world.load_on(service).clients(8).path("/slow?ms=5"));
  drive.add(world.load_on(service).clients(4).silent(10ms));
  drive.add(world.load_on(service).clients(4).keep_alive().think(2ms));
}

/// Kills with an account of what goes with the victim.
class Executioner {
 public:
  Executioner(Drive& drive, Row& row) : drive_(drive), row_(row) {}
  /// False: they are gone already.
  bool kill(const std::vector<const Worker*>& victims) {
    bool any = false;
    for (const Worker* victim : victims) {
      if (!victim->freeze()) continue;
      any = true;
      auto ports = victim->connections();
      if (!ports && !blind_) {
        blind_ = true;
        row_.expect(false, "the kernel does not let us see what a worker holds");
      }
      drive_.killed(std::move(ports).value_or(std::set<std::uint16_t>()));
    }
    for (const Worker* victim : victims) victim->signal(SIGKILL);
    return any;
  }

 private:
  Drive& drive_;
  Row& row_;
  bool blind_ = false;
};

// `kill` is called when some requests have been answered since it last returned true, until it did so `times`
// times.
template <class Kill>
void kill_again_and_again(World& world, Service& service, Drive& drive, Row& row, std::uint64_t times,
                          std::uint32_t answers_between, Kill kill) {
  std::uint64_t killed = 0;
  std::uint64_t next = 200;
  while (killed < times) {
    drive.step();
    service.listen_to_it();
    if (drive.answered() < next) continue;
    if (!service.alive())
      throw std::runtime_error("the primary has died; its log is " + service.log().string());
    if (kill()) {
      ++killed;
      next = drive.answered() + 1 + world.random().below(answers_between);
    }
    world.progress(row, grouped(killed) + " of " + grouped(times) + " kills, " + grouped(drive.answered()) +
                            " answered, " + grouped(drive.explained() + drive.unexplained()) + " lost");
  }
  drive.finish();
  row.note(grouped(times) + (times == 1 ? " time" : " times"));
}

}  // namespace

void kill_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto service = world.ground().start("kill", restarted_at_once(kind));
  Drive drive;
  add_mixed_load(world, *service, drive);
  Executioner executioner(drive, row);
  kill_again_and_again(world, *service, drive, row, numbers.kills, 60, [&] {
    const std::vector<Worker> workers = service->workers();
    if (workers.empty()) return false;
    return executioner.kill({&workers[world.random().below(static_cast<std::uint32_t>(workers.size()))]});
  });
  row.take(drive);
  row.end(*service);
}

void massacre_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto service = world.ground().start("massacre", restarted_at_once(kind));
  Drive drive;
  add_mixed_load(world, *service, drive);
  Executioner executioner(drive, row);
  kill_again_and_again(world, *service, drive, row, numbers.massacres, 1000, [&] {
    const std::vector<Worker> workers = service->workers();
    std::vector<const Worker*> all;
    for (const Worker& worker : workers) all.push_back(&worker);
    return executioner.kill(all);
  });
  row.take(drive);
  row.end(*service);
}

void dark_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto dark = std::chrono::duration<double>(numbers.seconds_dark);
  // Every death is unstable, and the next start waits: with jitter, perhaps only half as long.
  const std::string wait = std::to_string(static_cast<long>(dark.count() * 2000)) + "ms";
  const auto service = world.ground().start(
      "dark",
      Setup(kind).with({"--max-restarts", "0", "--min-uptime", "1h", "--backoff", wait + ".." + wait}));
  for (const Worker& worker : service->workers()) worker.signal(SIGKILL);
  while (!service->workers().empty()) service->listen_to_it();
  Drive drive;
  const auto began = Drive::Clock::now();
  drive.add(world.load_on(*service).rate(200).patience(30s));
  while (drive.answered() == 0) {
    drive.step();
    service->listen_to_it();
    world.progress(row, "waiting for the first answer");
  }
  const std::chrono::duration<double> waited = Drive::Clock::now() - began;
  row.expect(waited >= dark, "the first answer came too early for this test");
  drive.finish();
  row.note("none for " + std::to_string(waited.count()).substr(0, 4) + " s");
  row.take(drive);
  row.expect(drive.total().failed() == 0, "not all were answered");
  row.end(*service);
}

}  // namespace baton::chaos
