// Work on the CPU blocks the loop: whoever comes meanwhile waits, and GET /lag says how long. With --in-child
// the work is sent to a child of this program as a struct, and the loop answers others until it is done.
// Either end may be Node's: heavy/server.js and heavy/child.js do the same.
//
//     curl localhost:8080/work?ms=500 & curl localhost:8080/; curl localhost:8080/lag

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "baton/baton.h"
#include "command_line.h"

namespace heavy {

struct Work {
  int64_t id = 0;
  int64_t ms = 0;
};
BATON_FIELDS(Work, id, ms)

struct Done {
  int64_t id = 0;
  int64_t primes = 0;
};
BATON_FIELDS(Done, id, primes)

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace supervisor = baton::supervisor;

constexpr size_t most_waiting = 1000;
// As the supervisor's own. It never gives up: without a child there is still everything but the work.
constexpr supervisor::RestartLimits limits{.min_uptime = std::chrono::seconds(1),
                                           .first_wait = milliseconds(100),
                                           .longest_wait = std::chrono::seconds(30),
                                           .deaths = 0};

struct Settings {
  uint16_t port = 8080;
  bool in_child = false;
  std::string child = "child";
};

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void complain(std::string_view what) {
  std::fprintf(stderr, "heavy: %.*s\n", static_cast<int>(what.size()), what.data());
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
  self.parent().on_message([&self](const baton::Message& message) {
    const auto work = message.as<Work>();
    if (work) self.parent().send(Done{.id = work->id, .primes = burn(work->ms)});
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
        in_child_(settings.in_child),
        module_(settings.child),
        terminate_(self.loop(), SIGTERM, [this](int) { stop(); }),
        interrupt_(self.loop(), SIGINT, [this](int) { stop(); }) {
    if (in_child_) start_child();
    http_ =
        baton::http::serve(baton::net::listen(self_.loop(), baton::net::Endpoint("127.0.0.1", settings.port)),
                           [this](baton::http::Request& request, baton::http::Response& response) {
                             response.header("content-type", "text/plain");
                             answer(request, response);
                           });
    say("listening on port " + std::to_string(http_.local().port()));
  }

 private:
  void answer(baton::http::Request& request, baton::http::Response& response) {
    if (request.target() == "/lag") return response.end(std::to_string(lag_.take().count()) + " ms\n");
    const auto ms = milliseconds_of(request.target());
    if (!ms) return response.end("Hello World\n");
    if (in_child_) return send_work(*ms, response);
    say("work begins");
    response.end(std::to_string(burn(*ms)) + " primes\n");
  }

  void send_work(int64_t ms, baton::http::Response& response) {
    const Work work{.id = ++last_, .ms = ms};
    if (child_ == nullptr || waiting_.size() >= most_waiting || child_->send(work).error() != nullptr)
      return refuse(response);
    waiting_.emplace(work.id, &response);
    say("work is sent");
  }
  static void refuse(baton::http::Response& response) { response.status(503).end("Service Unavailable\n"); }

  void start_child() {
    born_ = self_.loop().now();
    try {
      child_ = &self_.fork(module_);
    } catch (const baton::Error& error) {
      complain(error.what());
      return start_another();
    }
    say("child " + std::to_string(child_->pid()));
    child_->on_message([this](const baton::Message& message) {
      const auto done = message.as<Done>();
      if (!done) return complain(done.error().what());
      const auto found = waiting_.find(done->id);
      if (found == waiting_.end()) return;
      found->second->end(std::to_string(done->primes) + " primes\n");
      waiting_.erase(found);
    });
    child_->on_close([this](const baton::ExitStatus&) {
      child_ = nullptr;
      for (const auto& [id, response] : std::exchange(waiting_, {})) refuse(*response);
      if (!stopping_) start_another();
    });
  }

  // A child that cannot live must not be what this process is busy with.
  void start_another() {
    const auto now = self_.loop().now();
    supervisor::Time wait{0};
    if (supervisor::RestartPolicy::unstable(limits, now - born_)) {
      wait = restart_.died_unstable(limits, now, std::uniform_real_distribution<>()(random_));
    } else {
      restart_.died_stable();
    }
    say("the child ended, another in " + std::to_string(std::chrono::ceil<milliseconds>(wait).count()) +
        " ms");
    again_ = baton::Timer(self_.loop(), wait, [this] { start_child(); });
  }

  void stop() {
    if (std::exchange(stopping_, true)) return self_.exit(1);  // whoever asks twice is in a hurry
    again_.stop();
    http_.drain(std::chrono::seconds(10)).then([this](const baton::Result<void>&) { self_.exit(0); });
  }

  baton::Process& self_;
  Lag lag_;
  const bool in_child_;
  const std::string module_;
  baton::http::Server http_;
  baton::ForkedChild* child_ = nullptr;
  milliseconds born_{0};
  supervisor::RestartPolicy restart_;
  std::minstd_rand random_{std::random_device()()};
  baton::Timer again_;
  std::map<int64_t, baton::http::Response*> waiting_;
  int64_t last_ = 0;
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
  app.add_flag("--in-child", settings.in_child, "send the work to a child, so that the loop stays free");
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
