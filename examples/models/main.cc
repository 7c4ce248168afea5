// One service in five models, the same load on each, and what it costs: docs/models.md says what they are.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "command_line.h"
#include "models/contest.h"
#include "models/load.h"
#include "models/models.h"
#include "models/settings.h"

namespace models {
namespace {

void complain(const std::string& what) { std::fprintf(stderr, "models: %s\n", what.c_str()); }

/// Thousands of connections are open at once. How many this process and its children may have.
rlim_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::vector<std::string> names_of_models() {
  std::vector<std::string> names;
  for (const Model& model : all_models) names.emplace_back(model.name);
  return names;
}

/// Before minutes are spent on measures. What stands in the file stays until there is something better.
std::string can_be_written(const std::string& file) {
  if (std::ofstream(file, std::ios::app)) return {};
  return "cannot write " + file + ": " + std::strerror(errno) + "; name a file in a folder that is yours";
}

void describe_options(CLI::App& app, Settings& settings) {
  app.add_option("--models", settings.models, "which, with commas between them; all unless given")
      ->delimiter(',')
      ->check(CLI::IsMember(names_of_models()));
  app.add_option("--connections", settings.connections, "how many at once, one load for each number")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::Range(1, 20'000));
  app.add_option("--think", settings.think_ms, "how many ms each answer waits, as for a database, the same")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::Range(0, 60'000));
  app.add_option("--seconds", settings.seconds, "how long each is measured")
      ->capture_default_str()
      ->check(CLI::Range(0.05, 600.0));
  app.add_flag("--keep-alive", settings.keep_alive, "connections are kept, instead of one for each request");
  app.add_option("--limit", settings.limit, "how many processes or threads a model may have at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 20'000));
  app.add_option("--svg", settings.svg, "the file that gets the picture")
      ->check(CLI::Validator(can_be_written, "FILE"));
  app.add_option("--json", settings.json, "the file that gets the figures")
      ->check(CLI::Validator(can_be_written, "FILE"));
}

/// Why there are not enough descriptors for that; empty if there are.
std::string too_many(const Settings& settings, rlim_t descriptors) {
  constexpr rlim_t others = 64;
  const int most = *std::ranges::max_element(settings.connections);
  if (static_cast<rlim_t>(most) + others <= descriptors) return {};
  return std::to_string(most) + " connections need more descriptors than the " + std::to_string(descriptors) +
         " of `ulimit -Hn`: take fewer";
}

int begin(int argc, char** argv) {
  Settings settings;
  CLI::App app("One service in five models: the same load on each, and what it costs.", "models");
  describe_options(app, settings);
  app.footer("Ctrl-C ends it, and every process with it. docs/models.md tells the rest.");
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  const rlim_t descriptors = raise_descriptor_limit();
  auto primary = [&settings, descriptors](baton::Process& self) -> baton::Task<int> {
    if (const std::string why = too_many(settings, descriptors); !why.empty()) {
      complain(why);
      co_return 2;
    }
    int code = 1;
    try {
      Contest contest(self, settings);
      code = co_await contest.run();
    } catch (const std::exception& error) {
      complain(error.what());
    }
    co_return code;
  };
  std::vector<baton::Entry> entries = {
      {"primary", primary}, {"load", load}, {worker_entry, every_core_worker}};
  for (const Model& model : all_models) entries.emplace_back(model.name, model.entry);
  return baton::run(argc, argv, std::move(entries));
}

}  // namespace
}  // namespace models

int main(int argc, char** argv) { return models::begin(argc, argv); }
