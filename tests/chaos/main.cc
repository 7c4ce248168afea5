// baton_chaos [OPTIONS] [STORM...]: storms over real services under a load that keeps account of every
// request, and a table of what they showed. The exit status is 0 if every row holds.

#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "chaos/world.h"

namespace {

using namespace baton::chaos;

struct Settings {
  std::vector<std::string> storms;
  std::string only;
  std::string node = "node";
  std::uint64_t seed = std::random_device()();
  unsigned workers = 4;
  bool small = false;
  bool node_primary = false;
  bool list = false;
  std::optional<std::uint64_t> kills, requests, reloads, massacres, limited, stuck, slow;
  std::optional<double> dark, stopped;
};

void describe(CLI::App& app, Settings& settings) {
  app.add_option("storm", settings.storms, "which storms, by a part of their names; all when none is given");
  app.add_flag("--list", settings.list, "the names of the storms");
  app.add_option("--only", settings.only, "cpp or node: workers of that kind only")
      ->check(CLI::IsMember({"cpp", "node"}));
  app.add_option("--seed", settings.seed, "of every choice; random when not given");
  app.add_option("--workers", settings.workers, "how many")
      ->capture_default_str()
      ->check(CLI::Range(2U, 64U));
  app.add_option("--node", settings.node, "the Node to use")->capture_default_str();
  app.add_flag("--small", settings.small, "the numbers that the tests have time for");
  app.add_flag("--node-primary", settings.node_primary,
               "storms over Node's own cluster module in place of Baton, to see that they find something");
  app.add_option("--kills", settings.kills, "of a random worker (10000; with Node workers 1000)");
  app.add_option("--requests", settings.requests, "in each reload storm (1000000; 100000)");
  app.add_option("--reloads", settings.reloads, "in each reload storm, at least (300; 30)");
  app.add_option("--massacres", settings.massacres, "all workers killed at once (100)");
  app.add_option("--dark", settings.dark, "seconds without a worker (5)");
  app.add_option("--limited-requests", settings.limited,
                 "to workers at their descriptor limit (100000; 20000)");
  app.add_option("--stopped", settings.stopped, "seconds that a worker stands still (5)");
  app.add_option("--stuck-reloads", settings.stuck, "whose new worker never becomes ready (100)");
  app.add_option("--slow-clients", settings.slow, "that never end their request (10000)");
}

Numbers numbers_for(const Settings& settings, Kind kind) {
  Numbers numbers = kind == Kind::node ? Numbers::of_node() : Numbers();
  if (settings.small) numbers = Numbers::small();
  numbers.kills = settings.kills.value_or(numbers.kills);
  numbers.requests = settings.requests.value_or(numbers.requests);
  numbers.reloads = settings.reloads.value_or(numbers.reloads);
  numbers.massacres = settings.massacres.value_or(numbers.massacres);
  numbers.limited_requests = settings.limited.value_or(numbers.limited_requests);
  numbers.slow_clients = settings.slow.value_or(numbers.slow_clients);
  numbers.stuck_reloads = settings.stuck.value_or(numbers.stuck_reloads);
  numbers.seconds_dark = settings.dark.value_or(numbers.seconds_dark);
  numbers.seconds_stopped = settings.stopped.value_or(numbers.seconds_stopped);
  return numbers;
}

bool wanted(const Settings& settings, const Storm& storm, Kind kind) {
  if (!settings.only.empty() && (settings.only == "node") != (kind == Kind::node)) return false;
  if (settings.node_primary && kind == Kind::cpp) return false;
  // With Node workers: round robin only.
  if (kind == Kind::node && storm.name().starts_with("64 ") && !storm.name().ends_with("round-robin"))
    return false;
  // How long Node's own server waits for a head is Node's to say.
  if (kind == Kind::node && storm.name() == "slow clients") return false;
  // A worker of ours drains by the book whatever it is told by.
  if (kind == Kind::cpp && storm.name() == "reload, own handler") return false;
  return settings.storms.empty() || std::ranges::any_of(settings.storms, [&](const std::string& part) {
           return storm.name().contains(part);
         });
}

int run(const Settings& settings) {
  const std::vector<Storm> storms = all_storms();
  if (settings.list) {
    for (const Storm& storm : storms) std::puts(storm.name().c_str());
    return 0;
  }
  // The workers of a primary that dies become ours, and are seen.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Ground ground(std::filesystem::read_symlink("/proc/self/exe").parent_path(), settings.node,
                      settings.workers, settings.node_primary);
  std::vector<Row> rows;
  for (const Storm& storm : storms) {
    for (const Kind kind : {Kind::cpp, Kind::node}) {
      if (!wanted(settings, storm, kind)) continue;
      World world(ground, settings.seed);
      rows.push_back(storm.hold(world, kind, numbers_for(settings, kind)));
    }
  }
  if (rows.empty()) {
    std::fputs("baton_chaos: no such storm (--list names them)\n", stderr);
    return 2;
  }
  print_table(rows);
  std::printf("seed %llu, %u workers\n", static_cast<unsigned long long>(settings.seed), settings.workers);
  if (!std::ranges::all_of(rows, &Row::holds)) {
    std::fprintf(stderr, "chaos: what they said is in %s\n", ground.folder().c_str());
    return 1;
  }
  std::filesystem::remove_all(ground.folder());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (const char* node = std::getenv("BATON_NODE"); node != nullptr && *node != '\0') settings.node = node;
  CLI::App app("Storms over a service, and what they showed.", "baton_chaos");
  describe(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "baton_chaos: %s (see baton_chaos --help)\n", error.what());
    return 2;
  }
  try {
    return run(settings);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "baton_chaos: %s\n", error.what());
    return 1;
  }
}
