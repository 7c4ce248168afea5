// A primary that is driven by lines on its standard input and prints each event, and workers of it that do as
// they are told by messages. `cluster_peer [--policy NAME] [--hang MS] [--serialization NAME] [--silent on]
// [--cwd FOLDER] [--throw on]
// [--uid NUMBER] [--exec-arg ARG] [--exec MODULE [ARG...]]`:
//
//   fork | fork SLOT       tell ID JSON          kill ID SIGNAL       leave ID      leave
//   listeners | state ID | totals | settings | kept                   each is answered by one line
//   give ID: a port whose connections are sent to it      pipe ID: a word into its descriptor 4 ($PIPE)

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "baton/baton.h"

namespace {

namespace cluster = baton::cluster;
using baton::Value;
using cluster::WorkerProcess;

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// --- the primary

bool throws = false;

class Primary {
 public:
  Primary(baton::Process& self, const cluster::PrimaryOptions& options)
      : self_(self), cluster_(self, options) {
    cluster_.on_fork([this](WorkerProcess& worker) {
      if (kept_ == nullptr) kept_ = &worker;
      event(worker, "forked " + std::to_string(worker.slot()));
      auto& process = worker.process().process();
      if (process.piped(4))
        process.stream(4).on_data([&worker](std::string_view text) { quote(worker, "pipes", text); });
      if (!cluster_.settings().silent()) return;
      process.stdout_stream().on_data([&worker](std::string_view text) { quote(worker, "prints", text); });
      process.stderr_stream().on_data([&worker](std::string_view text) { quote(worker, "complains", text); });
    });
    cluster_.on_online([](WorkerProcess& worker) {
      event(worker, worker.is_connected() && !worker.is_dead() ? "online" : "online, but not there");
    });
    cluster_.on_listening([](WorkerProcess& worker, const cluster::Listening& where) {
      event(worker, "listening " + where.to_string());
    });
    cluster_.on_disconnect([](WorkerProcess& worker) {
      event(worker, worker.is_connected() ? "disconnect, but connected" : "disconnect");
    });
    cluster_.on_exit([](WorkerProcess& worker, const baton::ExitStatus& status) {
      event(worker, "exit: " + status.describe() + (worker.exited_after_disconnect() ? ", meant" : "") +
                        (worker.is_dead() && !worker.is_connected() ? "" : ", but there"));
    });
    cluster_.on_message([](WorkerProcess& worker, const baton::Message& message) {
      event(worker, "says " + baton::to_json(message.value()));
    });
    cluster_.on_error([](WorkerProcess& worker, const baton::Error& error) {
      event(worker, std::string("error: ") + error.what());
    });
    cluster_.on_listen_error(
        [](WorkerProcess& worker, const cluster::Listening& where, const baton::Error& error) {
          event(worker, "cannot listen on " + where.to_string() + ": " + error.code().message());
        });
    cluster_.on_hang([](WorkerProcess& worker) { event(worker, "hangs"); });
  }

  void on_line(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    unsigned id = 0;
    words >> verb >> id;
    if (verb == "kept") {
      print("kept " + of_kept(*kept_));
    } else if (verb == "fork") {
      cluster_.fork(cluster::WorkerOptions().slot(id));
    } else if (verb == "listeners") {
      std::string all;
      for (const auto& where : cluster_.listeners()) all += " " + where.to_string();
      print("listeners:" + all);
    } else if (verb == "totals") {
      print("in flight " + std::to_string(cluster_.in_flight()) + ", requeued " +
            std::to_string(cluster_.requeued()));
    } else if (verb == "settings") {
      const cluster::PrimaryOptions& options = cluster_.settings();
      const bool advanced = options.fork().serialization() == baton::Serialization::advanced;
      std::string arguments;
      for (const auto& argument : options.fork().args()) arguments += " " + argument;
      print("settings: exec " + options.exec() + arguments + (advanced ? ", advanced" : ", json") +
            (options.silent() ? ", silent" : ""));
    } else if (verb == "empty") {
      cluster_.disconnect().then([](const baton::Result<void>&) { print("empty"); });
    } else if (verb == "throw") {
      throw std::runtime_error("the primary throws");
    } else if (verb == "chdir") {
      std::filesystem::current_path(line.substr(verb.size() + 1));
    } else if (verb == "env") {
      std::string value;
      words >> value;
      cluster_.fork(cluster::WorkerOptions().add_env("SCENARIO", value));
    } else if (verb == "leave" && id == 0) {
      cluster_.disconnect().then([this](const baton::Result<void>&) {
        print("all gone");
        self_.exit(0);
      });
    } else if (WorkerProcess* worker = cluster_.find(id)) {
      on_line(*worker, verb, words);
    } else {
      print("no worker " + std::to_string(id));
    }
  }

 private:
  static void tell(WorkerProcess& worker, const std::string& what) {
    print(std::to_string(worker.id()) + " " + what);
  }
  // With `--throw on` each callback throws when it has told of its event.
  static void event(WorkerProcess& worker, const std::string& what) {
    tell(worker, what);
    if (throws) throw std::runtime_error(what);
  }

  static void quote(WorkerProcess& worker, const std::string& how, std::string_view text) {
    tell(worker, how + " " + std::string(text.substr(0, text.find('\n'))));
  }

  void on_line(WorkerProcess& worker, const std::string& verb, std::istringstream& words) {
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (verb == "tell") {
      std::ignore = worker.send(baton::wire::read_json(rest).value());
    } else if (verb == "kill") {
      worker.kill(std::stoi(rest));
    } else if (verb == "give") {
      auto& server =
          given_.emplace_back(baton::net::listen(self_.loop(), baton::net::Endpoint("127.0.0.1", 0)));
      server.on_connection(
          [&worker](baton::net::Socket socket) { worker.process().send("a connection", std::move(socket)); });
      tell(worker, "is given those of " + server.local().to_string());
    } else if (verb == "pipe") {
      worker.process().process().stream(4).write("a word\n");
    } else if (verb == "leave") {
      worker.disconnect();
    } else if (verb == "state") {
      const auto open = worker.connections();
      tell(worker, "pid " + std::to_string(worker.pid()) + " accepted " + std::to_string(worker.accepted()) +
                       " in flight " + std::to_string(worker.in_flight()) + " open " +
                       (open ? std::to_string(*open) : "unknown"));
    }
  }

  static std::string of_kept(WorkerProcess& worker) {
    const auto sent = worker.send("are you there?");
    worker.disconnect();
    return std::to_string(worker.pid()) + ": " +
           (worker.status() ? worker.status()->describe() : std::string("running")) + ", " +
           (sent.error() != nullptr ? sent.error()->what() : "sent") +
           (worker.is_connected() ? ", connected" : "") + (worker.kill() ? ", killed" : "");
  }

  baton::Process& self_;
  cluster::Primary cluster_;
  std::list<baton::net::Server> given_;
  WorkerProcess* kept_ = nullptr;  // the first, whatever becomes of it
};

cluster::Policy policy_of(const std::string& name) {
  if (name != "thrower") return cluster::Policy::parse(name).value();
  return cluster::Policy::chosen(
      [](auto, std::string_view) -> std::size_t { throw std::runtime_error("nobody"); });
}

cluster::PrimaryOptions options_of(const std::vector<std::string>& arguments) {
  cluster::PrimaryOptions options;
  baton::ForkOptions fork;
  auto spawn = baton::SpawnOptions().stdio(baton::Stdio::inherit());
  std::vector<std::string> exec_args;
  if (std::getenv("PIPE") != nullptr) spawn.stdio(4, baton::Stdio::pipe());
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string& value = arguments[i + 1];
    if (arguments[i] == "--policy") options.policy(policy_of(value));
    if (arguments[i] == "--hang") options.hang_timeout(std::chrono::milliseconds(std::stoi(value)));
    if (arguments[i] == "--silent") options.silent();
    if (arguments[i] == "--throw") throws = true;
    if (arguments[i] == "--serialization" && value == "advanced")
      fork.serialization(baton::Serialization::advanced);
    if (arguments[i] == "--cwd") spawn.cwd(value);
    if (arguments[i] == "--uid") spawn.uid(static_cast<uid_t>(std::stoi(value)));
    if (arguments[i] == "--exec-arg") exec_args.push_back(value);
    if (arguments[i] != "--exec") continue;
    options.exec(value);
    fork.args({arguments.begin() + static_cast<std::ptrdiff_t>(i) + 2, arguments.end()});
    break;
  }
  options.fork(fork.spawn(std::move(spawn)).exec_args(std::move(exec_args)));
  return options;
}

baton::Task<> primary(baton::Process& self) {
  const cluster::PrimaryOptions options = options_of(self.args());
  if (throws) self.loop().on_uncaught([](const std::exception_ptr&) {});
  Primary cluster(self, options);
  auto input = baton::net::Socket::adopt(self.loop(), baton::Fd(::dup(STDIN_FILENO))).value();
  std::string partial;
  baton::Promise<> ended(self.loop());
  input.on_data([&](std::string_view bytes) {
    partial += bytes;
    for (auto end = partial.find('\n'); end != std::string::npos; end = partial.find('\n')) {
      const std::string line = partial.substr(0, end);
      partial.erase(0, end + 1);
      cluster.on_line(line);
    }
  });
  input.on_end([&] { ended.resolve({}); });
  co_await ended.op();
}

// --- a worker

class Worker {
 public:
  explicit Worker(baton::Process& self)
      : self_(self), cluster_(self, cluster::WorkerSettings().grace(std::chrono::milliseconds(300))) {
    self.parent().on_message([this](baton::Message message) {
      if (message.has_handle()) return http_.adopt(message.take<baton::net::Socket>());
      on_order(message.value());
    });
    cluster_.on_leaving([this] { say("leaving"); });
  }
  baton::Op<> left() { return cluster_.left(); }

 private:
  void say(const std::string& what) {
    if (self_.parent().connected()) std::ignore = self_.parent().send(what);
  }

  static std::string text(const Value& order, std::string_view name) {
    const Value* member = order.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : "";
  }
  static int number(const Value& order, std::string_view name, int otherwise = 0) {
    const Value* member = order.find(name);
    return member != nullptr && member->is_number() ? static_cast<int>(member->as_number()) : otherwise;
  }

  static cluster::Where where(const Value& order) {
    if (const std::string path = text(order, "path"); !path.empty())
      return baton::net::Endpoint::unix_path(path);
    if (const int fd = number(order, "fd", -1); fd >= 0) return cluster::Where::descriptor_of_primary(fd);
    const auto port = static_cast<uint16_t>(number(order, "port"));
    if (const std::string host = text(order, "host"); !host.empty()) return baton::net::Endpoint(host, port);
    return port;
  }
  static cluster::ListenOptions options(const Value& order) {
    cluster::ListenOptions options;
    if (order.find("max") != nullptr) options.max_connections(static_cast<uint32_t>(number(order, "max")));
    return options.backlog(number(order, "backlog"))
        .exclusive(number(order, "exclusive") != 0)
        .ipv6_only(number(order, "ipv6_only") != 0)
        .readable_all(number(order, "readable") != 0)
        .writable_all(number(order, "writable") != 0);
  }

  void on_order(const Value& order) {
    const std::string what = text(order, "do");
    if (what == "serve") return serve(order);
    if (what == "hold") return hold(order);
    if (what == "take") return take(held_.back(), number(order, "throw") != 0);
    if (what == "udp") return udp(order);
    if (what == "close") return close();
    if (what == "exit") return self_.exit(number(order, "code"));
    if (what == "loop") return loop_for_ever();
    if (what == "env") return say(of_environment("SCENARIO"));
    if (what == "copy the pipe") return copy_pipe();
    if (what == "disconnect and kill") return disconnect_and_kill();
    if (what == "disconnect the process") return self_.parent().disconnect();
    if (what == "unref the channel") return unref_channel();
    if (what == "ref" || what == "unref") return keep_loop(what == "ref");
    if (what == "send nonsense") return send_nonsense();
    if (what == "echo") return echo(order);
    if (what == "disconnect") return cluster_.disconnect();
    if (what == "kill") return cluster_.kill();
    if (what == "print") return write_words();
    if (what == "connections") return say(std::to_string(cluster_.connections()));
    if (what == "limit") return limit(number(order, "descriptors"));
    if (what == "block") ::usleep(static_cast<useconds_t>(number(order, "ms")) * 1000);
  }

  void serve(const Value& order) {
    baton::http::Handler handler = [this](auto& request, auto& response) { answer(request, response); };
    auto serving = number(order, "hooks") == 0
                       ? cluster_.serve(where(order), std::move(handler), options(order))
                       : cluster_.serve(where(order), with_hooks(std::move(handler)), options(order));
    std::move(serving).then([this](const baton::Result<baton::net::Endpoint>& local) {
      say(local ? "serving " + local->to_string() : std::string(local.error().what()));
    });
  }

  // Who upgrades gets 101 and everything back; who expects anything is told 401 or 418; heads are short.
  baton::http::Server with_hooks(baton::http::Handler handler) {
    auto http =
        baton::http::serve(self_.loop(), std::move(handler), baton::http::Options().max_header_size(256));
    http.on_check_continue([](auto& /*request*/, auto& response) { response.status(401).end("no\n"); });
    http.on_check_expectation([](auto& /*request*/, auto& response) { response.status(418).end("tea\n"); });
    http.on_upgrade([this](auto& /*request*/, baton::net::Socket socket, const std::string& first) {
      const auto place = sockets_.insert(sockets_.end(), std::move(socket));
      place->write("HTTP/1.1 101 Switching Protocols\r\n\r\n" + first);
      place->on_data([place](std::string_view bytes) { place->write(bytes); });
      place->on_close([this, place] { sockets_.erase(place); });
    });
    return http;
  }

  void answer(baton::http::Request& request, baton::http::Response& response) {
    if (request.target() == "/wait") {
      held_responses_.push_back(&response);
      return say("holds a request");
    }
    if (request.target() == "/release") {
      for (auto* held : held_responses_) held->end("late\n");
      held_responses_.clear();
    }
    if (request.target() == "/crash") std::abort();
    response.end(std::to_string(::getpid()) + "\n");
  }

  // Connections as such: each gets the pid, and is held until the client closes.
  void hold(const Value& order) {
    if (order.find("reuse_port") != nullptr) return hold_own(order);
    const bool late = number(order, "late") != 0;
    auto listening = cluster_.listen(where(order), options(order));
    if (order.find("give_up") != nullptr) return say("given up");  // nobody waits for it any more
    const std::string failing = text(order, "failing");
    std::move(listening).then([this, late, failing](baton::Result<cluster::Listener> listener) {
      if (!listener) return fail(listener.error(), failing);
      auto& held = held_.emplace_back(std::move(*listener));
      say("holding " + held.local().to_string());
      if (!late) take(held, false);
    });
  }

  void take(cluster::Listener& held, bool throws_first) {
    held.on_error([this](const baton::Error& error) { say(error.what()); });
    held.on_connection([this, throws_first](baton::net::Socket socket) mutable {
      if (std::exchange(throws_first, false)) throw std::runtime_error("not the first");
      greet(std::move(socket));
    });
  }

  void greet(baton::net::Socket socket) {
    const auto place = sockets_.insert(sockets_.end(), std::move(socket));
    place->write(std::to_string(::getpid()) + "\n");
    place->on_data([](std::string_view) {});
    place->on_close([this, place] { sockets_.erase(place); });
  }

  // As a port that is reused is the worker's own.
  void hold_own(const Value& order) {
    const auto port = static_cast<uint16_t>(number(order, "port"));
    auto& server = own_.emplace_back(baton::net::listen(self_.loop(), baton::net::Endpoint("127.0.0.1", port),
                                                        baton::net::ListenOptions().reuse_port()));
    server.on_connection([this](baton::net::Socket socket) { greet(std::move(socket)); });
    say("holding " + server.local().to_string());
  }

  void fail(const baton::Error& error, const std::string& how) {
    say(error.what());
    if (!how.empty()) cluster_.disconnect();
    if (how == "throw") throw std::runtime_error("the worker throws");
  }

  void close() {
    held_.clear();
    own_.clear();
    udp_.clear();
    say("closed");
  }

  void udp(const Value& order) {
    const auto port = static_cast<uint16_t>(number(order, "port"));
    const std::string host = text(order, "host");
    cluster::Where where = baton::net::Endpoint(host.empty() ? "127.0.0.1" : host, port);
    if (const int fd = number(order, "fd", -1); fd >= 0) where = cluster::Where::descriptor_of_primary(fd);
    if (order.find("form") != nullptr) where = port;
    const auto how = baton::net::UdpOptions()
                         .reuse_port(order.find("reuse_port") != nullptr)
                         .reuse_address(order.find("reuse") != nullptr)
                         .ipv6_only(order.find("ipv6_only") != nullptr);
    const bool unref = order.find("unref") != nullptr;
    auto binding = cluster_.bind_udp(where, how);
    if (order.find("give_up") != nullptr) return say("given up");
    std::move(binding).then([this, unref](baton::Result<baton::net::UdpSocket> socket) {
      if (!socket) return say(socket.error().what());
      auto& bound = udp_.emplace_back(std::move(*socket));
      if (unref) bound.unref();
      bound.on_message([&bound](std::string_view bytes, const baton::net::Endpoint& from) {
        bound.send(std::to_string(::getpid()) + " got " + std::string(bytes), from);
      });
      say("bound " + bound.local().to_string());
    });
  }

  void echo(const Value& order) { std::ignore = self_.parent().send(order); }
  static std::string of_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "none" : value;
  }
  [[noreturn]] static void loop_for_ever() {
    for (volatile unsigned turns = 0;;) turns = turns + 1;
  }
  void unref_channel() {
    self_.parent().unref();
    say("unreferenced");
  }
  void keep_loop(bool on) {
    for (auto& held : held_) on ? held.ref() : held.unref();
    say(on ? "kept" : "let go");
  }
  void disconnect_and_kill() {
    self_.parent().on_disconnect([this](bool) { cluster_.kill(); });
    cluster_.disconnect();
  }
  void copy_pipe() {
    pipe_ = baton::net::Socket::adopt(self_.loop(), baton::Fd(4)).value();
    pipe_.on_data([this](std::string_view bytes) { pipe_.write(bytes); });
    say("copying");
  }
  // Nothing that a primary knows, from the channel's own side.
  void send_nonsense() {
    std::ignore = self_.parent().send(Value::object().set("cmd", "NODE_CLUSTER").set("act", "nonsense"));
    say("still here");
  }

  static void write_words() {
    print("a word");
    std::fputs("another word\n", stderr);
  }

  void limit(int descriptors) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(descriptors);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    say("limited");
  }

  baton::Process& self_;
  cluster::Worker cluster_;
  std::list<cluster::Listener> held_;
  std::list<baton::net::Server> own_;
  baton::net::Socket pipe_;
  // Of connections that the primary sends.
  baton::http::Server http_ =
      baton::http::serve(self_.loop(), [this](auto& request, auto& response) { answer(request, response); });
  std::list<baton::net::Socket> sockets_;
  std::list<baton::net::UdpSocket> udp_;
  std::vector<baton::http::Response*> held_responses_;
};

baton::Task<> worker(baton::Process& self) {
  Worker cluster(self);
  co_await cluster.left();
  // Nobody listens to the channel any more, and nothing else is left to do.
}

}  // namespace

int main(int argc, char** argv) {
  // A worker of Node is told nothing but its number.
  if (std::getenv("NODE_UNIQUE_ID") != nullptr) return baton::run(argc, argv, {{"worker", worker}});
  return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}});
}
