// baton_load [OPTIONS] [ADDRESS:]PORT: asks a server for answers, without retries, and tells what became of
// every request. The exit status is 0 when all were answered once, 1 when not, 2 for a usage error.

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>

#include "load/load.h"

namespace {

using baton::load::Options;

// What CLI11 reads; times are in milliseconds.
struct Settings {
  std::string where;
  std::string path = "/";
  unsigned clients = 32;
  double rate = 0;
  std::uint64_t requests = 0;
  double seconds = 0;
  double think = 0, silent = 0, patience = 3000;
  bool keep_alive = false;
  bool json = false;
  std::uint64_t seed = 1;
};

volatile std::sig_atomic_t told_to_stop = 0;

Options::Time in_us(double milliseconds) { return Options::Time(static_cast<long>(milliseconds * 1000)); }

void describe(CLI::App& app, Settings& settings) {
  app.add_option("where", settings.where, "[ADDRESS:]PORT; 127.0.0.1 without an address")->required();
  app.add_option("--path", settings.path, "what is asked for; a token is added")->capture_default_str();
  app.add_option("--clients", settings.clients, "so many requests at any time; with --rate at most so many")
      ->capture_default_str()
      ->check(CLI::Range(1U, 20000U));
  app.add_option("--rate", settings.rate, "requests a second, however the answers come")
      ->check(CLI::PositiveNumber);
  app.add_option("--requests", settings.requests, "ends after so many")->check(CLI::PositiveNumber);
  app.add_option("--seconds", settings.seconds, "ends after so long; 10 when neither is given")
      ->check(CLI::PositiveNumber);
  app.add_flag("--keep-alive", settings.keep_alive, "many requests on a connection; otherwise one");
  app.add_option("--think", settings.think, "a client waits for up to so many ms between its requests");
  app.add_option("--silent", settings.silent, "a connection is silent for up to so many ms before it asks");
  app.add_option("--patience", settings.patience, "after so many ms a request is hung")
      ->capture_default_str();
  app.add_option("--seed", settings.seed, "of the random times")->capture_default_str();
  app.add_flag("--json", settings.json, "one line of JSON in place of the table");
}

Options to_options(const Settings& settings) {
  Options options;
  const std::size_t colon = settings.where.rfind(':');
  const std::string port = settings.where.substr(colon == std::string::npos ? 0 : colon + 1);
  std::uint16_t number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  if (read.ec != std::errc{} || read.ptr != port.data() + port.size() || number == 0)
    throw std::invalid_argument(settings.where + " is no [ADDRESS:]PORT");
  options.at(colon == std::string::npos ? "127.0.0.1" : settings.where.substr(0, colon), number)
      .path(settings.path)
      .keep_alive(settings.keep_alive)
      .think(in_us(settings.think))
      .silent(in_us(settings.silent))
      .patience(in_us(settings.patience))
      .seed(settings.seed);
  settings.rate > 0 ? options.rate(settings.rate, settings.clients) : options.clients(settings.clients);
  if (settings.requests > 0) options.requests(settings.requests);
  if (settings.seconds > 0) options.duration(in_us(settings.seconds * 1000));
  if (settings.requests == 0 && settings.seconds == 0) options.duration(std::chrono::seconds(10));
  return options;
}

int run(const Settings& settings) {
  baton::load::Load load(to_options(settings));
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { told_to_stop = 1; });
  while (!load.finished()) {
    load.step(std::chrono::milliseconds(100));
    if (told_to_stop != 0) load.stop();
  }
  const auto& tally = load.tally();
  std::puts(settings.json ? tally.to_json().c_str() : tally.to_table().c_str());
  return tally.failed() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Asks a server for answers and tells what became of every request.", "baton_load");
  describe(app, settings);
  try {
    app.parse(argc, argv);
    return run(settings);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "baton_load: %s (see baton_load --help)\n", error.what());
    return 2;
  }
}
