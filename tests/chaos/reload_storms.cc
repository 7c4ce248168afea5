#include <signal.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>

#include "chaos/storms.h"

namespace baton::chaos {
namespace {

using namespace std::chrono_literals;

/// Runs a load until `service` has been reloaded often enough, and everything is answered.
class ReloadStorm {
 public:
  ReloadStorm(World& world, Service& service, Row& row) : world_(world), service_(service), row_(row) {}
  Drive& drive() { return drive_; }

  void until(std::uint64_t requests, std::uint64_t reloads) {
    Reloads now;
    while (drive_.answered() < requests || now.done < reloads) {
      drive_.step();
      service_.listen_to_it();
      if (due(told_, 20ms)) service_.signal(SIGHUP);  // while one runs, the next is due
      if (due(asked_, 200ms)) now = look();
    }
    drive_.finish();
    row_.note(grouped(now.done) + " reloads");
    row_.expect(now.failed == 0, grouped(now.failed) + " reloads failed");
    row_.take(drive_);
    row_.expect(drive_.total().failed() == 0, "not all were answered");
  }

 private:
  static bool due(Drive::Clock::time_point& last, Drive::Clock::duration pause) {
    const auto now = Drive::Clock::now();
    if (now - last < pause) return false;
    last = now;
    return true;
  }
  Reloads look() {
    if (!service_.alive())
      throw std::runtime_error("the primary has died; its log is " + service_.log().string());
    const Reloads now = service_.reloads();
    world_.progress(row_, grouped(drive_.answered()) + " answered, " + grouped(now.done) + " reloads, " +
                              grouped(drive_.total().failed()) + " failed");
    return now;
  }

  World& world_;
  Service& service_;
  Row& row_;
  Drive drive_;
  Drive::Clock::time_point told_ = Drive::Clock::now();
  Drive::Clock::time_point asked_ = Drive::Clock::now();
};

}  // namespace

void reload_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto service = world.ground().start("reload", Setup(kind));
  ReloadStorm storm(world, *service, row);
  storm.drive().add(world.load_on(*service).clients(20));
  storm.drive().add(world.load_on(*service).clients(4).path("/slow?ms=5"));
  storm.drive().add(world.load_on(*service).clients(4).silent(50ms));
  storm.until(numbers.requests, numbers.reloads);
  row.end(*service);
}

namespace {

void storm_on_kept_connections(World& world, const std::string& name, const Setup& setup,
                               const Numbers& numbers, Row& row) {
  const auto service = world.ground().start(name, setup);
  ReloadStorm storm(world, *service, row);
  storm.drive().add(world.load_on(*service).clients(20).keep_alive());
  storm.drive().add(world.load_on(*service).clients(8).keep_alive().think(5ms));
  storm.drive().add(world.load_on(*service).clients(4).keep_alive().think(500ms));
  storm.drive().add(world.load_on(*service).clients(4).keep_alive().path("/slow?ms=5").silent(20ms));
  storm.until(numbers.requests, numbers.reloads);
  row.end(*service);
}

}  // namespace

void reload_storm_on_kept_connections(World& world, Kind kind, const Numbers& numbers, Row& row) {
  storm_on_kept_connections(world, "kept", Setup(kind), numbers, row);
}

void reload_storm_of_handlers(World& world, Kind kind, const Numbers& numbers, Row& row) {
  storm_on_kept_connections(world, "handler", Setup(kind).for_worker({"--handler"}), numbers, row);
}

void stuck_storm(World& world, Kind kind, const Numbers& numbers, Row& row) {
  const auto gate = world.ground().folder() / "gate";
  const char* patience = kind == Kind::cpp ? "200ms" : "1s";
  std::filesystem::remove(gate);
  const auto service =
      world.ground().start("stuck", Setup(kind).gate(gate).with({"--listen-timeout", patience}));
  Drive drive;
  drive.add(world.load_on(*service).clients(8));
  std::ofstream(gate).close();
  for (std::uint64_t failed = 0; failed < numbers.stuck_reloads;) {
    service->signal(SIGHUP);
    const std::uint64_t before = failed;
    for (auto asked = Drive::Clock::now(); failed == before;) {
      drive.step();
      service->listen_to_it();
      if (Drive::Clock::now() - asked < 20ms) continue;
      asked = Drive::Clock::now();
      failed = service->reloads().failed;
      world.progress(row, grouped(failed) + " reloads failed, " + grouped(drive.answered()) + " answered");
    }
  }
  std::filesystem::remove(gate);
  row.expect(service->reloads().done == 0, "a reload counted as done");
  service->signal(SIGHUP);
  while (service->reloads().done == 0) {
    for (int steps = 0; steps < 20; ++steps) drive.step();
    service->listen_to_it();
  }
  const auto silence = drive.longest_silence();
  drive.finish();
  row.note(grouped(numbers.stuck_reloads) + " reloads reported as failed, then one done; longest silence " +
           std::to_string(silence.count()) + " ms");
  row.take(drive);
  row.expect(drive.total().failed() == 0, "not all were answered");
  row.end(*service);
}

}  // namespace baton::chaos
