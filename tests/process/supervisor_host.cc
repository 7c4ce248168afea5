// A supervisor for the process tests: supervisor_host [OPTION...] MODULE [ARG...]
//
// Prints each event and each captured line of a worker; obeys the lines of its standard input (reload, scale
// N, stop, kill, pause, resume, snapshot), and stops at their end. Exits with the number of the EndReason.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "baton/cluster/worker.h"
#include "baton/supervisor/supervisor.h"
#include "supervisor/line_splitter.h"

using namespace baton;
using namespace baton::supervisor;

namespace {

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::chrono::milliseconds ms(const std::string& text) { return std::chrono::milliseconds(std::stoll(text)); }

// Also a port of this machine: something answers there; "http" before it: with a good status.
void set_ready(Options& options, const std::string& value) {
  const std::pair<std::string_view, Ready> words[] = {{"notify", Ready::notify},
                                                      {"listening", Ready::listening},
                                                      {"message", Ready::message},
                                                      {"alive", Ready::alive}};
  for (const auto& [word, what] : words) {
    if (value == word) options.ready(what);
  }
  const size_t digits = value.find_first_of("0123456789");
  if (digits == std::string::npos) return;
  const net::Endpoint where("127.0.0.1", static_cast<uint16_t>(std::stoul(value.substr(digits))));
  options.ready(digits == 0 ? ReadyProbe::tcp(where) : ReadyProbe::http(where, "localhost", "/"));
}

Options read_options(const std::vector<std::string>& args) {
  size_t at = 0;
  const auto next = [&] { return args.at(at++); };
  std::vector<std::pair<std::string, std::string>> set;
  while (at < args.size() && args[at].starts_with("--")) {
    const std::string name = next();
    set.emplace_back(name, next());
  }
  Options options(next());
  const std::vector<std::string> rest(args.begin() + static_cast<std::ptrdiff_t>(at), args.end());
  options.fork(
      ForkOptions().args(rest).spawn(SpawnOptions().stdio(Stdio::inherit()).stdio(0, Stdio::ignore())));
  options.capture_output().backoff(std::chrono::milliseconds(1), std::chrono::milliseconds(4));
  for (const auto& [name, value] : set) {
    if (name == "--workers") options.workers(static_cast<unsigned>(std::stoul(value)));
    if (name == "--ready") set_ready(options, value);
    if (name == "--restart") options.restart(value == "never" ? Restart::never : Restart::on_failure);
    if (name == "--reload") options.reload(value == "overlap" ? Reload::overlap : Reload::stop_first);
    if (name == "--listen")
      options.listen("web", net::Endpoint("127.0.0.1", static_cast<uint16_t>(std::stoul(value))));
    if (name == "--listen-timeout") options.listen_timeout(ms(value));
    if (name == "--kill-timeout") options.kill_timeout(ms(value));
    if (name == "--drain-delay") options.drain_delay(ms(value));
    if (name == "--min-uptime") options.min_uptime(ms(value));
    if (name == "--max-restarts") options.max_restarts(static_cast<unsigned>(std::stoul(value)));
    if (name == "--hang-timeout") options.hang_timeout(ms(value));
    if (name == "--max-memory") options.max_memory(std::stoull(value));
    if (name == "--stop-signal") options.stop_signal(signal_number(value));
  }
  return options;
}

void print_snapshot(const Snapshot& shot) {
  std::string line = "snapshot " + std::string(name_of(shot.state()));
  for (const WorkerView& worker : shot.workers()) {
    line += " " + std::to_string(worker.slot()) + ":" + std::string(name_of(worker.state())) + ":" +
            (worker.pid() ? std::to_string(*worker.pid()) : "-") + ":" + std::to_string(worker.restarts());
  }
  line += " reloads " + std::to_string(shot.reloads_done()) + "/" + std::to_string(shot.reloads_failed());
  for (const auto& [reason, count] : shot.restarts()) line += " " + reason + "=" + std::to_string(count);
  for (const auto& one : shot.exits()) {
    line += one.code() ? " code" + std::to_string(*one.code())
                       : " signal" + std::to_string(one.signal().value_or(0));
    line += "=" + std::to_string(one.count());
  }
  print(line);
}

void obey(std::unique_ptr<Supervisor>& service, const std::string& order) {
  if (order == "reload") service->reload();
  if (order.starts_with("scale ")) service->scale(std::stoi(order.substr(6)));
  if (order == "stop") service->stop();
  if (order == "kill") service->kill();
  if (order == "pause") service->pause_output();
  if (order == "resume") service->resume_output();
  if (order == "drop") service.reset();
  if (order == "snapshot") print_snapshot(service->snapshot());
}

struct Host {
  explicit Host(Process& self)
      : service(std::make_unique<Supervisor>(self, read_options(self.args()))),
        orders(net::Socket::adopt(self.loop(), Fd(0)).value()) {
    service->on_event([](const Event& event) { print(event.describe()); });
    service->on_output([](const OutputLine& line) {
      print("[" + std::to_string(line.slot()) + "] " + std::to_string(line.stream()) +
            (line.whole() ? ": " : "- ") + std::string(line.text()));
    });
    service->on_end([this, &self](const End& end) {
      print("end: " + end.text());
      orders.close();
      self.exit(static_cast<int>(end.reason()));
    });
    orders.on_data([this](std::string_view bytes) {
      lines.feed(bytes, [this](std::string_view line, bool) { obey(service, std::string(line)); });
    });
    orders.on_end([this] {
      if (service) return service->stop();
      orders.close();
    });
    service->start();
  }

  std::unique_ptr<Supervisor> service;
  net::Socket orders;
  LineSplitter lines;
};

Task<> serve(Process& self) {
  cluster::Worker worker(self);
  Loop& loop = self.loop();
  // What leaves the handler would be its request's.
  http::Handler handler = [&loop](http::Request& request, http::Response& response) {
    if (request.target() == "/throw") loop.defer([] { throw std::runtime_error("as it was told"); });
    response.end(std::to_string(::getpid()) + "\n");
  };
  co_await worker.serve(0, std::move(handler));
  co_await worker.left();
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Host> host;
  return run(argc, argv,
             {{"host", [&host](Process& self) { host = std::make_unique<Host>(self); }}, {"worker", serve}});
}
