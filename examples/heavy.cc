// Work on the CPU blocks the loop: whoever comes meanwhile waits, and GET /lag says how long. With --in-child
// a pool of one child of this program does the work, and the loop answers others until it is done. Either end
// may be Node's: heavy/server.js and heavy/child.js do the same.
//
//     curl localhost:8080/work?ms=500 & curl localhost:8080/; curl localhost:8080/lag

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "baton/baton.h"
#include "command_line.h"

namespace heavy {

struct Work {
  int64_t ms = 0;
};
BATON_FIELDS(Work, ms)

struct Done {
  int64_t primes = 0;
};
BATON_FIELDS(Done, primes)

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Settings {
  uint16_t port = 8080;
  bool in_child = false;
  std::string child = "child";
};

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// --- the work

milliseconds cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return milliseconds(used.tv_sec * 1000 + used.tv_nsec / 1'000'000);
}

bool is_prime(int64_t number) {
  for (int64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return number > 1;
}

/// Uses the CPU for so long, and says how many primes it found.
int64_t burn(int64_t ms) {
  int64_t primes = 0;
  const auto end = cpu_time() + milliseconds(ms);
  for (int64_t number = 0; cpu_time() < end; ++number) primes += is_prime(number) ? 1 : 0;
  return primes;
}

baton::Task<> child(baton::Process& self) {
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  say("child " + std::to_string(::getpid()));
  self.parent().on_request([](const baton::Value& job) {
    const auto work = baton::from_value<Work>(job);
    return Done{.primes = burn(work.value().ms)};
  });
  co_await self.parent().disconnected();
}

// --- the loop's lag

/// How much later than it was due a timer of the loop is called: what every event waits.
class Lag {
 public:
  explicit Lag(baton::Loop& loop)
      : due_(Clock::now() + interval), timer_(baton::Timer::every(loop, interval, [this] { tick(); })) {
    timer_.unref();
  }
  /// The longest since it was last asked for.
  milliseconds take() {
    tick_if_late();
    return std::exchange(longest_, milliseconds(0));
  }

 private:
  static constexpr milliseconds interval{10};
  void tick() {
    tick_if_late();
    due_ = Clock::now() + interval;
  }
  void tick_if_late() {
    longest_ = std::max(longest_, std::chrono::duration_cast<milliseconds>(Clock::now() - due_));
  }

  Clock::time_point due_;
  milliseconds longest_{0};
  baton::Timer timer_;
};

// --- the service

// "/work?ms=20" is 20.
std::optional<int64_t> milliseconds_of(std::string_view target) {
  constexpr std::string_view before = "/work?ms=";
  if (!target.starts_with(before)) return std::nullopt;
  int64_t value = 0;
  std::from_chars(target.data() + before.size(), target.data() + target.size(), value);
  return std::clamp(value, int64_t{0}, int64_t{60'000});
}

class Service {
 public:
  Service(baton::Process& self, const Settings& settings)
      : self_(self),
        lag_(self.loop()),
        terminate_(self.loop(), SIGTERM, [this](int) { stop(); }),
        interrupt_(self.loop(), SIGINT, [this](int) { stop(); }) {
    if (settings.in_child) pool_.emplace(self, settings.child, baton::PoolOptions().workers(1));
    const baton::net::Endpoint where("127.0.0.1", settings.port);
    http_ = baton::http::serve(baton::net::listen(self_.loop(), where),
                               [this](auto& request, auto& response) { return answer(request, response); });
    say("listening on port " + std::to_string(http_.local().port()));
  }

 private:
  baton::Task<> answer(baton::http::Request& request, baton::http::Response& response) {
    response.header("content-type", "text/plain");
    const auto ms = milliseconds_of(request.target());
    if (request.target() == "/lag") {
      response.end(std::to_string(lag_.take().count()) + " ms\n");
    } else if (!ms) {
      response.end("Hello World\n");
    } else if (pool_) {
      co_await send_work(*ms, response);
    } else {
      say("work begins");
      response.end(std::to_string(burn(*ms)) + " primes\n");
    }
  }

  baton::Task<> send_work(int64_t ms, baton::http::Response& response) {
    auto job = pool_->run<Done>(Work{.ms = ms});
    say("work is sent");
    try {
      const Done done = co_await std::move(job);
      response.end(std::to_string(done.primes) + " primes\n");
    } catch (const baton::Error& error) {
      response.status(503).end(std::string(error.what()) + "\n");
    }
  }

  void stop() {
    if (std::exchange(stopping_, true)) return self_.exit(1);  // whoever asks twice is in a hurry
    http_.drain(std::chrono::seconds(10)).then([this](const baton::Result<void>&) { self_.exit(0); });
  }

  baton::Process& self_;
  Lag lag_;
  std::optional<baton::Pool> pool_;
  baton::http::Server http_;
  bool stopping_ = false;
  baton::SignalWatcher terminate_;
  baton::SignalWatcher interrupt_;
};

baton::Task<> server(baton::Process& self, const Settings& settings) {
  const Service service(self, settings);
  baton::Promise<> never(self.loop());
  co_await never.op();  // Service exits
}

int begin(int argc, char** argv) {
  Settings settings;
  CLI::App app("An HTTP server whose GET /work?ms=N uses the CPU for N ms; GET /lag: how late the loop was.",
               "heavy");
  app.add_option("--port", settings.port, "the port to listen on; 0: any that is free")
      ->capture_default_str();
  app.add_flag("--in-child", settings.in_child, "give the work to a child, so that the loop stays free");
  app.add_option("--child", settings.child, "what that runs: another program's path, or a script for Node");
  app.footer("SIGTERM: drain and end.");
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  auto as_server = [&](baton::Process& self) { return server(self, settings); };
  // Whoever starts it with a channel, be it this program or a Node, has work for it.
  if (std::getenv("NODE_CHANNEL_FD") != nullptr) return baton::run(argc, argv, {{"child", child}});
  return baton::run(argc, argv, {{"server", as_server}, {"child", child}});
}

}  // namespace
}  // namespace heavy

int main(int argc, char** argv) { return heavy::begin(argc, argv); }
