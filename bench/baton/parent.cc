// parent pingpong|oneway|texts|sockets[-advanced] COUNT CPU MODULE: measures COUNT exchanges with a worker
// (worker.cc or worker.js) that runs on CPU, with advanced serialization if that is said; parent.js is its
// twin.

#include <climits>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "support/measure.h"

namespace {

using baton::ForkedChild;
using baton::ForkOptions;
using baton::Message;
using baton::Process;
using baton::Promise;
using baton::SpawnOptions;
using baton::Stdio;
using baton::Value;

std::string own_folder() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  const std::string whole(path, static_cast<size_t>(std::max<ssize_t>(length, 0)));
  return whole.substr(0, whole.rfind('/'));
}

ForkedChild& fork_on(Process& self, const std::string& cpu, const std::string& module,
                     std::vector<std::string> arguments, baton::Serialization serialization) {
  const std::string pin = own_folder() + "/pin";
  if (module.ends_with(".js")) {
    const char* node = std::getenv("BATON_NODE");
    return self.fork(module, ForkOptions()
                                 .serialization(serialization)
                                 .interpreter(pin)
                                 .exec_args({cpu, node != nullptr ? node : "node"})
                                 .args(std::move(arguments)));
  }
  arguments.insert(arguments.begin(), {cpu, module});
  return self.fork(pin, ForkOptions().serialization(serialization).args(std::move(arguments)));
}

/// Processor time of both ends since it was last asked.
class Clock {
 public:
  explicit Clock(ForkedChild& child) : child_(child) {}
  baton::Task<double> cpu() {
    child_.send("cpu");
    const auto answer = (co_await child_.next_message()).value();
    const double total = bench::cpu_us(RUSAGE_SELF) + answer.value().as_number();
    co_return total - std::exchange(last_, total);
  }

 private:
  ForkedChild& child_;
  double last_ = 0;
};

const Value& small_message() {
  static const Value message = Value::object().set("hello", "world").set("n", 123);
  return message;
}

baton::Task<> pingpong(Process& self, ForkedChild& child, long count) {
  Promise<> over(self.loop());
  long left = count;
  child.on_message([&](const Message& message) {
    if (--left == 0) {
      over.resolve({});
    } else {
      child.send(message.value());
    }
  });
  child.send(small_message());
  co_await over.op();
}

const Value& text_message() {
  static const Value message = std::string(size_t{64} << 10, 'x');
  return message;
}

baton::Task<> oneway(Process& self, ForkedChild& child, long count, const Value& message) {
  Promise<> over(self.loop());
  long left = count;
  const auto fill = [&] {
    while (left > 0 && child.send(message)) --left;
    if (left > 0) --left;  // The one that filled the queue was accepted too.
  };
  child.on_drain([&] { fill(); });
  child.on_message([&](const Message&) { over.resolve({}); });
  fill();
  co_await over.op();
}

/// COUNT connections, made before the clock runs; their far ends are in a process of their own.
class Connections {
 public:
  Connections(Process& self, long count)
      : server_(baton::net::listen(self.loop(), {"127.0.0.1", 0})), ready_(self.loop()) {
    server_.on_connection([this, count](baton::net::Socket socket) {
      sockets_.push_back(std::move(socket));
      if (static_cast<long>(sockets_.size()) == count) ready_.resolve({});
    });
    const auto options = SpawnOptions().stdio(1, Stdio::inherit()).stdio(2, Stdio::inherit());
    holder_ = baton::spawn(self.loop(), own_folder() + "/hold",
                           {std::to_string(server_.local().port()), std::to_string(count)}, options);
  }
  baton::Op<> ready() { return ready_.op(); }
  std::vector<baton::net::Socket>& sockets() { return sockets_; }
  void end() {
    server_.close();
    holder_.stdin_stream().end();
  }

 private:
  baton::net::Server server_;
  std::vector<baton::net::Socket> sockets_;
  Promise<> ready_;
  baton::Child holder_;
};

baton::Task<> sockets(Process& self, ForkedChild& child, Connections& connections) {
  Promise<> over(self.loop());
  size_t next = 0;
  const auto fill = [&] {
    auto& all = connections.sockets();
    while (next < all.size() && child.send("s", std::move(all[next++]))) {
    }
  };
  child.on_drain([&] { fill(); });
  child.on_message([&](const Message&) { over.resolve({}); });
  fill();
  co_await over.op();
}

void print(double wall, double cpu, long count) {
  const auto n = static_cast<double>(count);
  bench::print_figures({{"wall_us", wall / n}, {"cpu_us", cpu / n}, {"per_second", n / wall * 1e6}});
}

baton::Task<> primary(Process& self) {
  const auto& args = self.args();
  std::string mode = args.at(0);
  auto serialization = baton::Serialization::json;
  if (const auto suffix = mode.find("-advanced"); suffix != std::string::npos) {
    mode.resize(suffix);
    serialization = baton::Serialization::advanced;
  }
  const Value& message = mode == "texts" ? text_message() : small_message();
  const long count = std::stol(args.at(1));
  bench::raise_descriptor_limit();
  auto& child = fork_on(self, args.at(2), args.at(3), {mode == "pingpong" ? "echo" : "sink", args.at(1)},
                        serialization);
  (co_await child.next_message()).value();
  std::optional<Connections> connections;
  if (mode == "sockets") {
    connections.emplace(self, count);
    co_await connections->ready();
  } else if (mode == "pingpong") {
    co_await pingpong(self, child, count / 10);
  } else {
    co_await oneway(self, child, count, message);
  }
  Clock clock(child);
  co_await clock.cpu();
  const double start = bench::now_us();
  if (mode == "sockets") {
    co_await sockets(self, child, *connections);
  } else if (mode == "pingpong") {
    co_await pingpong(self, child, count);
  } else {
    co_await oneway(self, child, count, message);
  }
  const double wall = bench::now_us() - start;
  const double cpu = co_await clock.cpu();
  print(wall, cpu, count);
  if (connections) connections->end();
  child.disconnect();
  co_await child.exited();
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
