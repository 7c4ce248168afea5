#pragma once

#include <chrono>
#include <string>

#include "supervisor/supervisor_machine.h"

namespace baton::supervisor::test {

using namespace std::chrono_literals;
using Kind = Action::Kind;

inline MachineLimits limits_for(unsigned workers) {
  return {.workers = workers,
          .restart = {.min_uptime = 1s, .first_wait = 100ms, .longest_wait = 30s, .deaths = 10},
          .life = {.listen_timeout = 10s, .kill_timeout = 5s, .ready_when_alive = {}},
          .drain_delay = 0s};
}

/// Drives a machine by hand. Its actions read like "start 3@1" (worker 3 in slot 1) or "tell 1".
class World {
 public:
  explicit World(const MachineLimits& limits) : machine(limits, [] { return 1.0; }) {}

  std::string actions() {
    std::string text;
    while (const auto action = machine.next_action()) text += (text.empty() ? "" : ", ") + describe(*action);
    return text;
  }
  /// As many workers as there shall be, all ready.
  void serve() {
    machine.start(now);
    for (WorkerId id = 1; id <= machine.wanted(); ++id) be_ready(id);
    actions();
  }
  void be_ready(WorkerId id, Sign sign = Sign::listening) {
    machine.online(id);
    machine.ready(id, sign, now);
  }
  void end(WorkerId id, bool failed = true) {
    machine.exited(id, now, failed);
    machine.gone(id, now);
  }
  void wait(Time time) {
    now += time;
    machine.tick(now);
  }

  SupervisorMachine machine;
  Time now = 1000s;

 private:
  static std::string describe(const Action& action) {
    const std::string id = std::to_string(action.id);
    switch (action.kind) {
      case Kind::start:
        return "start " + id + "@" + std::to_string(action.slot);
      case Kind::tell:
        return "tell " + id;
      case Kind::terminate:
        return "terminate " + id;
      case Kind::kill_tree:
        return "kill " + id;
      case Kind::sweep:
        return "sweep " + id;
      case Kind::ready:
        return "ready " + id + (action.sign == Sign::alive ? " as it lives" : "");
      case Kind::ended: {
        using Milliseconds = std::chrono::milliseconds;
        const auto ms = [](Time time) {
          return std::to_string(std::chrono::duration_cast<Milliseconds>(time).count());
        };
        return "ended " + id + (action.late ? " late" : "") +
               (action.wait ? " next in " + ms(*action.wait) : "");
      }
      case Kind::all_ready:
        return "all ready";
      case Kind::reload_started:
        return "reload";
      case Kind::reload_done:
        return "reload done";
      case Kind::reload_failed:
        return "reload failed by " + id + (action.late ? " late" : "");
      case Kind::retires:
        return "retires " + id;
      case Kind::last_call:
        return "last call";
      case Kind::scaled:
        return "scaled to " + std::to_string(action.count);
      case Kind::over:
        return "over " + std::to_string(static_cast<int>(action.end));
    }
    return "?";
  }
};

inline std::string over(EndReason why) { return "over " + std::to_string(static_cast<int>(why)); }

}  // namespace baton::supervisor::test
