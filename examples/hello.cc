// One worker a core behind one port. The primary listens, hands each worker the listening server over its
// channel, and never accepts itself; it keeps its copy so that a worker that dies can be replaced without
// losing the port.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <list>
#include <string>

#include "baton/baton.h"
#include "command_line.h"

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

struct Settings {
  std::string host = "0.0.0.0";
  uint16_t port = 8080;
  unsigned workers = baton::available_parallelism();
  double drain = 5;
};

constexpr auto stable_after = seconds(1);
constexpr auto first_backoff = milliseconds(100);
constexpr auto longest_backoff = seconds(30);
// What a worker gets beyond the drain time before it is killed.
constexpr auto stop_margin = seconds(5);

class Primary {
 public:
  Primary(baton::Process& self, const Settings& settings)
      : self_(self),
        settings_(settings),
        server_(baton::net::listen(self.loop(), baton::net::Endpoint(settings.host, settings.port))),
        terminate_(self.loop(), SIGTERM, [this](int) { stop(); }),
        interrupt_(self.loop(), SIGINT, [this](int) { stop(); }) {
    for (unsigned i = 0; i < settings_.workers; ++i) start_worker();
  }

 private:
  void start_worker() {
    baton::ForkedChild* forked = nullptr;
    try {
      forked = &self_.fork("worker");
    } catch (const baton::Error& error) {
      complain(error.what());
      start_later();
      return;
    }
    const auto worker = workers_.insert(workers_.end(), Worker{forked, steady_clock::now(), false});
    forked->on_message([this, worker](const baton::Message&) { on_ready(*worker); });
    forked->on_close([this, worker](const baton::ExitStatus& status) { on_gone(worker, status); });
    forked->send(settings_.drain, server_);
  }

  struct Worker {
    baton::ForkedChild* child;
    steady_clock::time_point born;
    bool ready;
  };

  void on_ready(Worker& worker) {
    worker.ready = true;
    backoff_ = first_backoff;
    const auto ready = std::ranges::count(workers_, true, &Worker::ready);
    if (announced_ || static_cast<unsigned>(ready) < settings_.workers) return;
    announced_ = true;
    std::printf("listening on http://%s with %u workers\n", server_.local().to_string().c_str(),
                settings_.workers);
    std::fflush(stdout);
  }

  void on_gone(std::list<Worker>::iterator worker, const baton::ExitStatus& status) {
    const bool stable = worker->ready || steady_clock::now() - worker->born >= stable_after;
    const std::string& exception = worker->child->uncaught();
    const std::string name = "worker " + std::to_string(worker->child->pid());
    workers_.erase(worker);
    if (stopping_) {
      if (workers_.empty()) self_.exit(0);
      return;
    }
    complain(name + ": " + status.describe() + (exception.empty() ? "" : " (" + exception + ")") +
             ", replaced");
    if (stable) {
      start_worker();
    } else {
      start_later();
    }
  }

  void start_later() {
    const auto delay = delayed_.emplace(delayed_.end());
    *delay = baton::Timer(self_.loop(), backoff_, [this, delay] {
      delayed_.erase(delay);
      start_worker();
    });
    backoff_ = std::min<milliseconds>(backoff_ * 2, longest_backoff);
  }

  // The end of the channel tells a worker to drain. Whoever asks twice is in a hurry.
  void stop() {
    if (stopping_) {
      for (Worker& worker : workers_) worker.child->kill(SIGKILL);
      return;
    }
    stopping_ = true;
    delayed_.clear();
    if (workers_.empty()) {
      self_.exit(0);
      return;
    }
    // Who was let in is answered: nobody is left in the backlog when the workers close their copies.
    server_.last_call().then([this](const baton::Result<void>&) {
      server_.close();
      for (Worker& worker : workers_) worker.child->disconnect();
    });
    const auto patience = duration<double>(settings_.drain) + stop_margin;
    overdue_ = baton::Timer(self_.loop(), std::chrono::duration_cast<milliseconds>(patience), [this] {
      for (Worker& worker : workers_) worker.child->stop();
    });
  }

  static void complain(const std::string& what) { std::fprintf(stderr, "hello: %s\n", what.c_str()); }

  baton::Process& self_;
  Settings settings_;
  baton::net::Server server_;
  std::list<Worker> workers_;
  std::list<baton::Timer> delayed_;
  milliseconds backoff_ = first_backoff;
  baton::SignalWatcher terminate_;
  baton::SignalWatcher interrupt_;
  baton::Timer overdue_;
  bool announced_ = false;
  bool stopping_ = false;
};

void answer(baton::http::Request& request, baton::http::Response& response) {
  static const std::string greeting = "Hello World from " + std::to_string(getpid()) + "\n";
  response.header("content-type", "text/plain");
  if (request.method() == "GET" || request.method() == "HEAD") {
    response.end(greeting);
  } else {
    response.status(405).header("allow", "GET, HEAD").end("Method Not Allowed\n");
  }
}

baton::Task<> worker(baton::Process& self) {
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, [&self](int) { self.parent().disconnect(); });
  auto& primary = self.parent();
  auto message = co_await primary.next_message();
  if (!message) co_return;  // the primary is gone
  auto server = baton::http::serve(message->take<baton::net::Server>(), answer);
  primary.send("ready");
  co_await primary.disconnected();
  const auto grace = duration<double>(message->value().as_number());
  co_await server.drain(std::chrono::duration_cast<milliseconds>(grace));
}

int serve(int argc, char** argv) {
  Settings settings;
  CLI::App app("An HTTP server that greets: one worker a core behind one port.", "hello");
  const auto address = [](const std::string& host) -> std::string {
    try {
      return (void)baton::net::Endpoint(host, 0), "";
    } catch (const std::exception& error) {
      return error.what();
    }
  };
  app.add_option("--host", settings.host, "the IP address to listen on")
      ->capture_default_str()
      ->check(CLI::Validator(address, "ADDRESS"));
  app.add_option("--port", settings.port, "the port to listen on; 0: any that is free")
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "how many workers")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--drain", settings.drain, "how many seconds open connections get at the end")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86400.0));
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  auto primary = [&settings](baton::Process& self) -> baton::Task<> {
    try {
      Primary server(self, settings);
      baton::Promise<> never(self.loop());
      co_await never.op();  // Primary exits
    } catch (const baton::Error& error) {
      std::fprintf(stderr, "hello: %s\n", error.what());
      self.exit(1);
    }
  };
  return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}});
}

}  // namespace

int main(int argc, char** argv) { return serve(argc, argv); }
