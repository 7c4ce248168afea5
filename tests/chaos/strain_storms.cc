#include <signal.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "chaos/storms.h"

namespace baton::chaos {
namespace {

using namespace std::chrono_literals;

constexpr unsigned descriptors = 64;
constexpr unsigned crowd = 360;

// A random worker stands still; then `after` decides.
template <class After>
void stop_one(World& world, const Setup& setup, const std::string& name, const Numbers& numbers, Row& row,
              After after) {
  const auto service = world.ground().start(name, setup);
  Drive drive;
  drive.add(world.load_on(*service).rate(500).patience(30s));
  while (drive.answered() < 200) drive.step();
  const std::vector<Worker> workers = service->workers();
  const Worker& victim = workers.at(world.random().below(static_cast<std::uint32_t>(workers.size())));
  if (!victim.freeze()) throw std::runtime_error("the worker to stop had ended by itself");
  drive.killed(victim.connections().value_or(std::set<std::uint16_t>()));
  (void)drive.longest_silence();
  const std::uint64_t before = drive.answered();
  const std::uint64_t before_by_it = drive.answered_by(victim.pid());
  const std::chrono::duration<double> time(numbers.seconds_stopped);
  for (const auto began = Drive::Clock::now(); Drive::Clock::now() - began < time;) {
    drive.step();
    service->listen_to_it();
    world.progress(row, grouped(drive.answered()) + " answered");
  }
  const std::uint64_t meanwhile = drive.answered() - before;
  row.note(grouped(meanwhile) + " answered meanwhile, longest silence " +
           std::to_string(drive.longest_silence().count()) + " ms");
  row.expect(static_cast<double>(meanwhile) > 500 * time.count() / 2, "the others did not go on");
  row.expect(drive.answered_by(victim.pid()) == before_by_it, "who stands still answered");
  after(*service, drive, victim);
  drive.finish();
  row.take(drive);
  row.end(*service);
}

}  // namespace

void descriptor_storm(const std::string& policy, World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto service =
      world.ground().start("descriptors", Setup(kind).descriptors(descriptors).with({"--policy", policy}));
  Drive drive;
  drive.add(world.load_on(*service).clients(crowd).path("/slow?ms=10"));
  while (drive.answered() < numbers.limited_requests) {
    drive.step();
    service->listen_to_it();
    world.progress(row, grouped(drive.answered()) + " answered");
  }
  drive.finish();
  row.take(drive);
  row.expect(drive.total().failed() == 0, "not all were answered");
  row.end(*service);
}

void stop_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  stop_one(world, Setup(kind), "stop", numbers, row,
           [&](Service& service, Drive& drive, const Worker& victim) {
             victim.signal(SIGCONT);
             const std::uint64_t before = drive.answered_by(victim.pid());
             const auto end = Drive::Clock::now() + Drive::patience;
             while (drive.answered_by(victim.pid()) < before + 10) {
               drive.step();
               service.listen_to_it();
               if (!service.alive()) throw std::runtime_error("the primary has died");
               if (Drive::Clock::now() > end) throw std::runtime_error("who goes on is given no connection");
             }
             drive.finish();
             row.expect(drive.total().failed() == 0, "not all were answered");
           });
}

void stop_storm_with_timeout(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const std::string timeout = std::to_string(static_cast<long>(numbers.seconds_stopped * 200)) + "ms";
  stop_one(world, Setup(kind).with({"--hang-timeout", timeout}), "hang", numbers, row,
           [&](Service& service, Drive&, const Worker& victim) {
             row.expect(!victim.signal(SIGCONT), "the worker that stood still was not killed");
             row.expect(service.workers().size() >= world.ground().workers(), "it was not replaced");
           });
}

}  // namespace baton::chaos
