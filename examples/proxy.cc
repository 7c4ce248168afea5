// Many workers behind one proxy: each has a port of its own, tells it over the channel, and never sees a
// client; the primary carries every byte. And, with --hand-over, the same service without that: the primary
// gives the connection itself to the worker. SIGUSR1 prints what either costs the primary. Either end may be
// Node's: proxy/primary.js and proxy/worker.js do the same.

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/baton.h"
#include "command_line.h"

namespace {

using baton::Value;
using baton::net::Endpoint;
using baton::net::Socket;

constexpr auto patience = std::chrono::seconds(10);

struct Settings {
  std::vector<uint16_t> ports = {8080};
  unsigned workers = baton::available_parallelism();
  std::string worker = "worker";
  bool hand_over = false;
};

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void complain(std::string_view what) {
  std::fprintf(stderr, "proxy: %.*s\n", static_cast<int>(what.size()), what.data());
}

// --- the worker

void answer(baton::http::Request& request, baton::http::Response& response) {
  response.header("content-type", "text/plain");
  if (request.method() != "POST") return response.end(std::to_string(::getpid()) + "\n");
  request.on_data([&request, &response](std::string_view bytes) {
    if (!response.write(bytes)) request.pause();
  });
  response.on_drain([&request] { request.resume(); });
  request.on_end([&response] { response.end(); });
  response.on_close([&response] { response.end(); });
}

baton::Task<> worker(baton::Process& self, bool handed_over) {
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const auto options = baton::http::Options().keep_alive_timeout(std::chrono::minutes(1));
  auto http = handed_over ? baton::http::serve(self.loop(), answer, options)
                          : baton::http::serve(baton::net::listen(self.loop(), Endpoint("127.0.0.1", 0)),
                                               answer, options);
  baton::Promise<> over(self.loop());
  self.parent().on_message([&](baton::Message message) {
    if (message.get_if<Socket>() != nullptr) return http.adopt(message.take<Socket>());
    if (message.value() == Value("drain")) over.resolve({});
  });
  self.parent().on_disconnect([&over](bool) { over.resolve({}); });
  self.parent().send(Value::object().set("port", handed_over ? 0 : http.local().port()));
  co_await over.op();
  co_await http.drain(patience);
  self.exit(0);
  baton::Promise<> never(self.loop());  // the callbacks above use what is on this frame
  co_await never.op();
}

// --- what the primary carries

/// A client's connection and the worker's, and every byte between them: two descriptors.
class Carried {
 public:
  Carried(Socket client, Socket worker) : client_(std::move(client)), worker_(std::move(worker)) {}

  /// Begins; `over` is called once, and may destroy this.
  void begin(baton::Callback over) {
    over_ = std::move(over);
    carry(client_, worker_, client_paused_);
    carry(worker_, client_, worker_paused_);
  }
  /// How many of its two directions wait for a reader.
  [[nodiscard]] unsigned paused() const { return unsigned{client_paused_} + unsigned{worker_paused_}; }

  /// Closes so that the peer does not take what it got for all.
  static void reset(Socket& socket) {
    const linger at_once{1, 0};
    if (socket) ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
  }

 private:
  void carry(Socket& from, Socket& to, bool& paused) {
    to.on_drain([&from, &paused] {
      paused = false;
      if (from) from.resume();
    });
    from.on_end([&to] { to.end(); });
    from.on_error([this, &to](const baton::Error&) {
      reset(to);
      end();
    });
    from.on_close([this] {
      if (++closed_ == 2) end();
    });
    from.on_data([&from, &to, &paused](std::string_view bytes) {
      if (to.write_through(bytes)) return;
      paused = true;
      from.pause();
    });
  }
  void end() {
    if (auto over = std::exchange(over_, nullptr)) over();
  }

  Socket client_;
  Socket worker_;
  baton::Callback over_;
  unsigned closed_ = 0;
  bool client_paused_ = false;
  bool worker_paused_ = false;
};

// --- the primary

class Primary {
 public:
  Primary(baton::Process& self, const Settings& settings)
      : self_(self),
        hand_over_(settings.hand_over),
        wanted_(settings.workers),
        worker_(settings.worker),
        terminate_(self.loop(), SIGTERM, [this](int) { drain(); }),
        interrupt_(self.loop(), SIGINT, [this](int) { drain(); }),
        report_(self.loop(), SIGUSR1, [this](int) { report(); }) {
    // One loop waits for them all; the workers need not know how many there are.
    for (const uint16_t port : settings.ports) {
      auto& front = fronts_.emplace_back(baton::net::listen(self_.loop(), Endpoint("127.0.0.1", port)));
      front.on_connection([this](Socket client) { serve(std::move(client)); });
      front.pause();
    }
    keep_workers();
  }

 private:
  struct Worker {
    baton::ForkedChild* child;
    uint16_t port;
  };

  // As many as are wanted; at the end one, and only if somebody waits for it.
  void keep_workers() {
    const size_t wanted = !draining_ ? wanted_ : waiting_.empty() ? 0 : 1;
    while (starting_.size() + ready_.size() < wanted) start_worker();
  }

  void start_worker() {
    auto& child = self_.fork(worker_, baton::ForkOptions().args(self_.args()));
    starting_.insert(&child);
    child.on_message([this, &child](const baton::Message& message) {
      const Value& port = message.value()["port"];
      if (!port.is_integer()) return;
      starting_.erase(&child);
      ready_.push_back({&child, static_cast<uint16_t>(port.as_integer())});
      say("worker " + std::to_string(child.pid()) +
          (hand_over_ ? std::string() : " on port " + std::to_string(ready_.back().port)));
      if (!draining_) open();
      for (auto& client : std::exchange(waiting_, {})) serve(std::move(client));
      let_workers_go();
    });
    child.on_unsent([this, &child](baton::net::Native handle, const baton::Error&) {
      forget(child);
      if (auto socket = Socket::adopt(self_.loop(), std::move(handle))) serve(std::move(*socket));
    });
    child.on_close([this, &child](const baton::ExitStatus&) { lost(child); });
  }

  // While there is no worker connections wait in the kernel, and none is refused.
  void open() {
    if (!open_ && ready_.size() < wanted_) return;
    for (auto& front : fronts_) {
      front.resume();
      if (!open_) say("listening on port " + std::to_string(front.local().port()));
    }
    open_ = true;
  }

  void forget(const baton::ForkedChild& child) {
    std::erase_if(ready_, [&child](const Worker& each) { return each.child == &child; });
    if (!ready_.empty() || draining_) return;
    for (auto& front : fronts_) front.pause();
  }

  void lost(const baton::ForkedChild& child) {
    const bool began = starting_.erase(&child) == 0;
    forget(child);
    if (leaving_.erase(&child) > 0 || (draining_ && waiting_.empty())) return end_if_over();
    complain("a worker ended");
    if (!began) return self_.exit(1);
    keep_workers();
  }

  // To the workers in turn. Nothing was read from the client yet, so another may try: one that refuses is
  // just ending. When all do, the client waits for the next.
  void serve(Socket client) { serve(std::move(client), ready_.size()); }
  void serve(Socket client, size_t tries) {
    if (tries == 0 || ready_.empty()) {
      waiting_.push_back(std::move(client));
      return keep_workers();
    }
    const Worker worker = ready_[turn_++ % ready_.size()];
    if (hand_over_) {
      worker.child->send(Value("connection"), std::move(client));
      return;
    }
    ++connecting_;
    baton::net::connect(self_.loop(), Endpoint("127.0.0.1", worker.port))
        .then([this, tries, client = std::move(client)](baton::Result<Socket> socket) mutable {
          --connecting_;
          if (socket) {
            carry(std::move(client), std::move(*socket));
          } else if (socket.error().code() == std::errc::connection_refused) {
            serve(std::move(client), tries - 1);
          } else {
            Carried::reset(client);
          }
          let_workers_go();
        });
  }

  void carry(Socket client, Socket worker) {
    const auto place = carried_.emplace(carried_.end(), std::move(client), std::move(worker));
    place->begin([this, place] {
      carried_.erase(place);
      end_if_over();
    });
  }

  void drain() {
    if (std::exchange(draining_, true)) return self_.exit(1);  // whoever asks twice is in a hurry
    for (auto& front : fronts_) {
      front.resume();
      front.accept_pending();
      front.close();
    }
    // A client that was told everything may still not close its connection.
    deadline_ = baton::Timer(self_.loop(), patience, [this] { self_.exit(0); });
    let_workers_go();
  }
  // A worker closes its own port then, so every connection to it must stand before, and nobody wait for one.
  void let_workers_go() {
    if (!draining_ || connecting_ > 0 || !waiting_.empty()) return;
    for (const Worker& worker : std::exchange(ready_, {})) {
      worker.child->send(Value("drain"));
      leaving_.insert(worker.child);
    }
    end_if_over();
  }
  void end_if_over() {
    const bool served = waiting_.empty() && connecting_ == 0 && carried_.empty();
    if (draining_ && served && ready_.empty() && leaving_.empty()) self_.exit(0);
  }

  void report() const {
    unsigned paused = 0;
    for (const Carried& each : carried_) paused += each.paused();
    const std::filesystem::directory_iterator open_now("/proc/self/fd");
    const auto descriptors = std::distance(begin(open_now), end(open_now)) - 1;  // one is the iterator's
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto microseconds = [](const timeval& time) {
      return time.tv_sec * int64_t{1'000'000} + time.tv_usec;
    };
    const Value cost = Value::object()
                           .set("carried", carried_.size())
                           .set("paused", paused)
                           .set("descriptors", descriptors)
                           .set("cpu_us", microseconds(usage.ru_utime) + microseconds(usage.ru_stime));
    say("cost " + baton::to_json(cost));
  }

  baton::Process& self_;
  bool hand_over_;
  unsigned wanted_;
  std::string worker_;
  bool open_ = false;
  bool draining_ = false;
  unsigned connecting_ = 0;
  size_t turn_ = 0;
  std::vector<baton::net::Server> fronts_;
  std::vector<Worker> ready_;
  std::set<const baton::ForkedChild*> starting_, leaving_;
  std::vector<Socket> waiting_;
  std::list<Carried> carried_;
  baton::Timer deadline_;
  baton::SignalWatcher terminate_;
  baton::SignalWatcher interrupt_;
  baton::SignalWatcher report_;
};

baton::Task<> primary(baton::Process& self, const Settings& settings) {
  const Primary service(self, settings);
  baton::Promise<> never(self.loop());
  co_await never.op();  // Primary exits
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Carries every connection to one of several workers, each with a port of its own.", "proxy");
  app.add_option("--port", settings.ports, "a port to listen on; 0: any that is free; may be repeated")
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "how many workers")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--worker", settings.worker, "what they run: another program's path, or a script for Node");
  app.add_flag("--hand-over", settings.hand_over, "give the connections themselves to the workers");
  app.footer("SIGTERM: drain and end. SIGUSR1: print what the primary costs.");
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  auto as_primary = [&](baton::Process& self) { return primary(self, settings); };
  auto as_worker = [&](baton::Process& self) { return worker(self, settings.hand_over); };
  // Whoever starts it with a channel, be it this program or a Node, has a use for a worker.
  if (std::getenv("NODE_CHANNEL_FD") != nullptr) return baton::run(argc, argv, {{"worker", as_worker}});
  return baton::run(argc, argv, {{"primary", as_primary}, {"worker", as_worker}});
}
