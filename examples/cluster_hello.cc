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
#include <map>
#include <string>
#include <vector>

#include "baton/baton.h"

namespace {

namespace cluster = baton::cluster;

struct Settings {
  uint16_t port = 8080;
  unsigned workers = baton::available_parallelism();
  std::string policy = "round-robin";
};

void complain(const std::string& what) { std::fprintf(stderr, "cluster_hello: %s\n", what.c_str()); }

// --- the worker

// "/slow?ms=20" is 20.
long milliseconds_of(std::string_view target) {
  constexpr std::string_view before = "/slow?ms=";
  long value = 0;
  if (target.starts_with(before))
    std::from_chars(target.data() + before.size(), target.data() + target.size(), value);
  return std::clamp(value, 0L, 3'600'000L);
}

void answer(baton::Loop& loop, baton::http::Request& request, baton::http::Response& response) {
  static const std::string greeting = std::to_string(::getpid()) + "\n";
  response.header("content-type", "text/plain");
  if (request.target() == "/crash") std::abort();
  if (request.method() != "GET" && request.method() != "HEAD") {
    return response.status(405).header("allow", "GET, HEAD").end("Method Not Allowed\n");
  }
  if (!request.target().starts_with("/slow?")) return response.end(greeting);
  const auto wait = std::chrono::milliseconds(milliseconds_of(request.target()));
  auto timer = std::make_shared<baton::Timer>();
  *timer = baton::Timer(loop, wait, [timer, &response] {
    response.end(greeting);
    timer->stop();
  });
}

baton::Task<> worker(baton::Process& self, uint16_t port) {
  cluster::Worker cluster(self);
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, [&cluster](int) { cluster.disconnect(); });
  auto handler = [&self](auto& request, auto& response) { answer(self.loop(), request, response); };
  co_await cluster.serve(port, std::move(handler));
  co_await cluster.left();
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  const bool is_worker = std::getenv("NODE_UNIQUE_ID") != nullptr;
  CLI::App app("An HTTP server that answers with its process id: many workers behind one port.",
               "cluster_hello");
  app.add_option("--port", settings.port, "the port to listen on; 0: any that is free")
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "how many workers")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--policy", settings.policy, "which worker gets a connection: ")->capture_default_str();
  // Node would give a worker of its cluster the script's name and options of its own.
  app.allow_extras(is_worker);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    complain(std::string(error.what()) + " (see cluster_hello --help)");
    return 2;
  }
  auto primary = [&](baton::Process& self) -> baton::Task<> {
    cluster::Primary cluster(self, cluster::PrimaryOptions()
                                       .args({"--port", std::to_string(settings.port)})
                                       .policy(*cluster::Policy::parse(settings.policy)));
    const baton::SignalWatcher terminate(self.loop(), SIGTERM,
                                         [&cluster](int) { std::ignore = cluster.disconnect(); });
    cluster.on_listening([&](auto&, const auto& where) {
      std::printf("listening on %s\n", cluster.listeners()[0].to_string().c_str());
      std::fflush(stdout);
      (void)where;
    });
    cluster.on_exit([&](cluster::WorkerProcess& w, const baton::ExitStatus& s) {
      if (!w.exited_after_disconnect()) {
        complain(s.describe());
        cluster.fork(cluster::WorkerOptions().slot(w.slot()));
      }
    });
    for (unsigned i = 0; i < settings.workers; ++i) cluster.fork();
    co_await cluster.ended();
  };
  auto as_worker = [&](baton::Process& self) { return worker(self, settings.port); };
  if (is_worker) return baton::run(argc, argv, {{"worker", as_worker}});
  return baton::run(argc, argv, {{"primary", primary}, {"worker", as_worker}});
}
