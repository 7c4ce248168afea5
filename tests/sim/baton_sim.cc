// Runs scenarios under many seeds; a failing one is printed with the command that replays it, and made
// smaller.
#include <sys/time.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "sim/coverage.h"
#include "sim/scenario.h"

// Present when the program is built with a sanitizer.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using namespace std::literals;
using baton::sim::Scenario;

constexpr const char* help =
    "usage: baton_sim [--seeds N] [--seed S] [--scenario NAME] [--replay TAPE]\n"
    "                 [--coverage]\n"
    "\n"
    "  --seeds N        how many seeds of each scenario (10000; with --seed, 1)\n"
    "  --seed S         the first seed (1)\n"
    "  --scenario NAME  only this one\n"
    "  --replay TAPE    the choices of a shrunk failure, as they were printed\n"
    "  --coverage       say how often each event that matters was met\n"
    "  --list           the names of the scenarios\n"
    "\n"
    "Exit status: 0 when every run held, 1 when one failed, 2 for a usage error.\n";

struct Options {
  std::uint64_t seeds = 0;
  std::uint64_t first = 1;
  bool seed_given = false;
  const Scenario* only = nullptr;
  std::string_view replay;
  bool coverage = false;
};

// What the handlers of a crash need; plain data, as they may call nothing.
const char* running_scenario = "";
volatile std::uint64_t running_seed = 0;

void say_which_seed(const char* how) {
  char text[300];
  const int length =
      std::snprintf(text, sizeof text, "baton_sim: %s\n  replay: baton_sim --scenario %s --seed %llu\n", how,
                    running_scenario, static_cast<unsigned long long>(running_seed));
  if (write(2, text, static_cast<std::size_t>(length)) < 0) _exit(1);
}

void on_crash(int signal) {
  say_which_seed(signal == SIGVTALRM ? "a run takes over 30 s of CPU time" : strsignal(signal));
  _exit(1);
}

void watch() {
  for (const int signal : {SIGABRT, SIGVTALRM}) std::signal(signal, on_crash);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback([] { say_which_seed("a sanitizer ended the run"); });
  } else {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_crash);
  }
}

/// CPU time and not the clock's: a busy machine is no fault of the run.
void allow_cpu_seconds(int seconds) {
  const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = seconds, .tv_usec = 0}};
  setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

int usage_error(const std::string& what) {
  std::fprintf(stderr, "baton_sim: %s (--help lists the options)\n", what.c_str());
  return 2;
}

bool number(std::string_view text, std::uint64_t& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

/// -1 to go on, or the exit status.
int parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--help"sv) return std::fputs(help, stdout) < 0 ? 1 : 0;
    if (option == "--list"sv) {
      for (const Scenario& one : baton::sim::scenarios())
        std::printf("%-16s %s\n", one.name.data(), one.about.data());
      return 0;
    }
    if (option == "--coverage"sv) {
      options.coverage = true;
      continue;
    }
    if (++i == argc) return usage_error(std::string(option) + " is unknown or lacks its value");
    const std::string_view value = argv[i];
    if (option == "--seeds"sv) {
      if (!number(value, options.seeds) || options.seeds == 0)
        return usage_error("--seeds wants a number from 1");
    } else if (option == "--seed"sv) {
      if (!number(value, options.first)) return usage_error("--seed wants a number");
      options.seed_given = true;
    } else if (option == "--scenario"sv) {
      options.only = baton::sim::find_scenario(value);
      if (options.only == nullptr) return usage_error("no scenario is called " + std::string(value));
    } else if (option == "--replay"sv) {
      options.replay = value;
    } else {
      return usage_error("unknown option " + std::string(option));
    }
  }
  if (options.seeds == 0) options.seeds = options.seed_given ? 1 : 10000;
  return -1;
}

int replay(const Options& options) {
  if (options.only == nullptr) return usage_error("--replay needs --scenario");
  const auto tape = baton::sim::tape_from_text(options.replay);
  if (!tape) return usage_error("--replay wants numbers with commas between them");
  const auto failure = baton::sim::run_tape(*options.only, *tape);
  std::fprintf(stderr, "%s: %s\n", options.only->name.data(),
               failure ? failure->what.c_str() : "the run held");
  return failure ? 1 : 0;
}

void print_coverage() {
  for (std::size_t i = 0; i < baton::sim::met_count; ++i) {
    const auto event = static_cast<baton::sim::Met>(i);
    std::fprintf(stderr, "%12llu  %s\n", static_cast<unsigned long long>(baton::sim::coverage()[i]),
                 baton::sim::name_of(event).data());
  }
}

bool run(const Scenario& scenario, const Options& options) {
  running_scenario = scenario.name.data();
  std::time_t spoke = std::time(nullptr);
  const auto progress = [&](std::uint64_t seed) {
    running_seed = seed;
    const std::uint64_t done = seed - options.first;
    if (done % 256 != 0) return;
    allow_cpu_seconds(30);
    if (const std::time_t now = std::time(nullptr); now - spoke >= 5) {
      spoke = now;
      std::fprintf(stderr, "%s: %llu of %llu seeds\n", scenario.name.data(),
                   static_cast<unsigned long long>(done), static_cast<unsigned long long>(options.seeds));
    }
  };
  const auto failed = baton::sim::run_seeds(scenario, options.first, options.seeds, progress);
  allow_cpu_seconds(0);
  if (!failed) {
    std::fprintf(stderr, "%s: %llu seeds held\n", scenario.name.data(),
                 static_cast<unsigned long long>(options.seeds));
    return true;
  }
  std::fprintf(stderr, "%s: FAILED with seed %llu: %s\n", scenario.name.data(),
               static_cast<unsigned long long>(failed->seed), failed->failure.what.c_str());
  std::fprintf(stderr, "  replay: baton_sim --scenario %s --seed %llu\n", scenario.name.data(),
               static_cast<unsigned long long>(failed->seed));
  const baton::sim::Shrunk shrunk = baton::sim::shrink(scenario, failed->seed);
  std::fprintf(stderr, "  shrunk to %zu choices: %s\n  replay: baton_sim --scenario %s --replay %s\n",
               shrunk.tape.size(), shrunk.failure.what.c_str(), scenario.name.data(),
               baton::sim::to_text(shrunk.tape).c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const int status = parse(argc, argv, options); status >= 0) return status;
  if (options.replay.data() != nullptr) return replay(options);
  watch();
  bool held = true;
  for (const Scenario& scenario : baton::sim::scenarios()) {
    if (options.only == nullptr || options.only == &scenario) held = run(scenario, options) && held;
  }
  if (options.coverage) print_coverage();
  return held ? 0 : 1;
}
