// One worker a core behind one port, in one program: started plainly it is the primary; started by a primary,
// be it this program, a Node or `baton run`, it is a worker.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "baton/baton.h"
#include "baton/supervisor/supervisor.h"
#include "command_line.h"

namespace {

namespace cluster = baton::cluster;
namespace supervisor = baton::supervisor;

struct Settings {
  uint16_t port = 8080;
  unsigned workers = baton::available_parallelism();
  std::string policy = "round-robin";
  unsigned headers_timeout = 60;
};

void complain(std::string_view what) {
  std::fprintf(stderr, "cluster_hello: %.*s\n", static_cast<int>(what.size()), what.data());
}

// --- the worker

// "/slow?ms=20" is 20.
long milliseconds_of(std::string_view target) {
  constexpr std::string_view before = "/slow?ms=";
  constexpr long longest = 3'600'000;
  long value = 0;
  if (target.starts_with(before)) {
    std::from_chars(target.data() + before.size(), target.data() + target.size(), value);
  }
  return std::clamp(value, 0L, longest);
}

void answer(baton::Loop& loop, const baton::http::Request& request, baton::http::Response& response) {
  static const std::string greeting = std::to_string(::getpid()) + "\n";
  if (request.target() == "/crash") std::abort();
  response.header("content-type", "text/plain");
  if (request.method() != "GET" && request.method() != "HEAD") {
    return response.status(405).header("allow", "GET, HEAD").end("Method Not Allowed\n");
  }
  const auto wait = std::chrono::milliseconds(milliseconds_of(request.target()));
  if (wait.count() == 0) return response.end(greeting);
  // It owns itself until it has answered.
  const auto timer = std::make_shared<baton::Timer>();
  *timer = baton::Timer(loop, wait, [timer, &response] {
    response.end(greeting);
    *timer = baton::Timer();
  });
}

// A guest's primary is somebody else's, who may not say what went wrong.
baton::Task<> worker(baton::Process& self, const Settings& settings, bool guest) {
  cluster::Worker cluster(self);
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, [&cluster](int) { cluster.disconnect(); });
  baton::http::Handler handler = [&self](auto& request, auto& response) {
    answer(self.loop(), request, response);
  };
  const cluster::ListenOptions how;
  const auto http = baton::http::Options().headers_timeout(std::chrono::seconds(settings.headers_timeout));
  try {
    co_await cluster.serve(settings.port, std::move(handler), how, http);
  } catch (const baton::Error& error) {
    if (guest) complain(error.what());
    self.exit(1);
  }
  co_await cluster.left();
}

// --- the primary

class Primary {
 public:
  Primary(baton::Process& self, const Settings& settings)
      : self_(self),
        service_(self, options(settings)),
        terminate_(self.loop(), SIGTERM, [this](int number) { stop(number); }),
        interrupt_(self.loop(), SIGINT, [this](int number) { stop(number); }),
        hang_up_(self.loop(), SIGHUP, [this](int) { service_.reload(); }) {
    service_.on_event([this](const supervisor::Event& event) { tell(event); });
    service_.on_end([this](const supervisor::End& end) {
      using supervisor::EndReason;
      const bool meant = end.reason() == EndReason::stopped || end.reason() == EndReason::killed;
      if (!meant) complain(end.text());
      self_.exit(end.reason() == EndReason::killed ? 128 + signal_ : meant ? 0 : 1);
    });
    service_.start();
  }

 private:
  static supervisor::Options options(const Settings& settings) {
    const auto how = baton::ForkOptions().args({"--port", std::to_string(settings.port), "--headers-timeout",
                                                std::to_string(settings.headers_timeout)});
    // Whatever ends a worker, its successor starts at once.
    return supervisor::Options("worker")
        .fork(how)
        .workers(settings.workers)
        .policy(cluster::Policy::parse(settings.policy).value())
        .min_uptime(std::chrono::seconds(0))
        .max_restarts(0);
  }

  void tell(const supervisor::Event& event) {
    using supervisor::EventKind;
    if (event.kind() == EventKind::listening) {
      listens_ = true;
      std::printf("%s\n", event.describe().c_str());
      std::fflush(stdout);
    }
    // Until then the end says it.
    if (!listens_) return;
    const bool replaced = event.kind() == EventKind::worker_exited && event.wait();
    if (replaced || event.kind() == EventKind::reload_failed || event.kind() == EventKind::problem) {
      complain(event.describe());
    }
  }

  // Whoever asks twice is in a hurry.
  void stop(int number) {
    if (std::exchange(signal_, number) == 0) return service_.stop();
    service_.kill();
  }

  baton::Process& self_;
  supervisor::Supervisor service_;
  baton::SignalWatcher terminate_;
  baton::SignalWatcher interrupt_;
  baton::SignalWatcher hang_up_;
  int signal_ = 0;
  bool listens_ = false;
};

baton::Task<> primary(baton::Process& self, const Settings& settings) {
  const Primary service(self, settings);
  baton::Promise<> never(self.loop());
  co_await never.op();  // Primary exits
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  const bool is_worker = std::getenv("NODE_UNIQUE_ID") != nullptr;
  CLI::App app("Answers every GET with the process id of a worker: many workers behind one port.",
               "cluster_hello");
  app.add_option("--port", settings.port, "the port to listen on; 0: any that is free")
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "how many workers")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--policy", settings.policy, "which worker gets a connection: round-robin, shared, ...")
      ->capture_default_str()
      ->check(CLI::Validator(
          [](const std::string& name) {
            const auto policy = cluster::Policy::parse(name);
            return policy ? std::string() : policy.error().what();
          },
          "POLICY"));
  app.add_option("--headers-timeout", settings.headers_timeout,
                 "seconds that a client may take for the head of a request; 0: no limit")
      ->capture_default_str();
  app.footer("SIGTERM: drain and end. SIGHUP: replace the workers one after the other.");
  // Node gives the workers of its cluster the name of a script, and options of its own.
  app.allow_extras(is_worker);
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  auto as_primary = [&](baton::Process& self) { return primary(self, settings); };
  auto as_worker = [&](baton::Process& self) { return worker(self, settings, false); };
  auto as_guest = [&](baton::Process& self) { return worker(self, settings, true); };
  if (is_worker) return baton::run(argc, argv, {{"guest", as_guest}, {"worker", as_worker}});
  return baton::run(argc, argv, {{"primary", as_primary}, {"worker", as_worker}});
}
