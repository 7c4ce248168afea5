// A parent for any child, Baton or Node: what is typed is sent to it, what it says is printed.
//
// Each line of standard input is a JSON message, or a command:
//   :server PORT     listens on 127.0.0.1 (0: any port) and sends the listener; never accepts itself
//   :sockets PORT    the same, and sends each connection that it accepts
//   :udp PORT        binds a UDP socket on 127.0.0.1 and sends it; never receives itself
//   :bound PORT      binds a TCP socket that does not listen yet, and sends it
//   :disconnect      sends what is queued, finishes this direction, and prints what still arrives
//   :kill SIGNAL
//
// With --serialization advanced, values that JSON lacks are typed and printed as typed_json.h says.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "baton/baton.h"
#include "typed_json.h"

using baton::Value;
using baton::net::Endpoint;
using baton::net::Server;
using baton::net::Socket;

namespace {

void complain(const std::string& what) { std::fprintf(stderr, "echo_primary: %s\n", what.c_str()); }

void print(const Value& value, baton::Serialization serialization = baton::Serialization::json) {
  const bool typed = serialization == baton::Serialization::advanced;
  std::string line = typed ? typed_json::print(value) : value.is_undefined() ? "null" : baton::to_json(value);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

/// The lines of standard input, whatever it is.
class Lines {
 public:
  using OnLine = std::move_only_function<void(std::string_view)>;
  Lines(baton::Loop& loop, OnLine on_line, baton::Callback on_end)
      : loop_(loop), on_line_(std::move(on_line)), on_end_(std::move(on_end)) {
    // A terminal's flags are shared with the shell: it is opened anew, to be made non-blocking for us alone.
    baton::Fd input(::isatty(0) == 1 ? ::open("/dev/stdin", O_RDONLY | O_CLOEXEC)
                                     : ::fcntl(0, F_DUPFD_CLOEXEC, 0));
    if (baton::descriptor_kind(input.get()) == baton::DescriptorKind::other) {
      file_ = std::move(input);
      read_file();
      return;
    }
    auto stream = Socket::adopt(loop, std::move(input));
    if (!stream) {
      loop.defer([this] { on_end_(); });
      return;
    }
    stream_ = std::move(*stream);
    stream_.on_data([this](std::string_view bytes) { feed(bytes); });
    stream_.on_end([this] { finish(); });
    stream_.on_error([this](const baton::Error&) { finish(); });
  }
  void close() {
    stream_.close();
    file_.reset();
  }

 private:
  // A file is always ready; a piece at a time lets the channel breathe.
  void read_file() {
    char bytes[65536];
    const ssize_t got = file_ ? ::read(file_.get(), bytes, sizeof bytes) : -1;
    if (got <= 0) {
      loop_.defer([this] { finish(); });
      return;
    }
    feed(std::string_view(bytes, static_cast<size_t>(got)));
    next_ = baton::Timer(loop_, std::chrono::milliseconds(0), [this] { read_file(); });
  }
  void feed(std::string_view bytes) {
    partial_ += bytes;
    size_t begin = 0;
    for (size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      on_line_(std::string_view(partial_).substr(begin, end - begin));
    }
    partial_.erase(0, begin);
  }
  void finish() {
    close();
    if (!partial_.empty()) on_line_(std::exchange(partial_, {}));
    on_end_();
  }

  baton::Loop& loop_;
  OnLine on_line_;
  baton::Callback on_end_;
  Socket stream_;
  baton::Fd file_;
  baton::Timer next_;
  std::string partial_;
};

class EchoPrimary {
 public:
  EchoPrimary(baton::Process& self, const std::string& module, std::vector<std::string> arguments,
              baton::Serialization serialization)
      : self_(self),
        child_(self.fork(module, baton::ForkOptions()
                                     .args(std::move(arguments))
                                     .serialization(serialization)
                                     .spawn(baton::SpawnOptions()
                                                .stdio(0, baton::Stdio::ignore())
                                                .stdio(1, baton::Stdio::descriptor(2))
                                                .stdio(2, baton::Stdio::inherit())))),
        lines_(self.loop(), [this](std::string_view line) { on_line(line); }, [this] { disconnect(); }) {
    child_.on_message(
        [serialization](const baton::Message& message) { print(message.value(), serialization); });
    child_.on_close([this](const baton::ExitStatus& status) { on_close(status); });
  }

 private:
  void on_line(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    try {
      if (line.starts_with(':')) {
        command(line);
        return;
      }
      auto message = baton::wire::read_json(line);
      if (!message) {
        complain("not sent: " + message.error().step());
        return;
      }
      const bool typed = child_.serialization() == baton::Serialization::advanced;
      child_.send(typed ? typed_json::parse(*message)
                        : *message);  // what is refused is reported by the channel
    } catch (const std::exception& error) {
      complain(error.what());
    }
  }

  void command(std::string_view line) {
    const size_t space = line.find(' ');
    const std::string_view name = line.substr(0, space);
    const std::string_view argument = space == std::string_view::npos ? "" : line.substr(space + 1);
    if (name == ":server") {
      const Server server = listen_on(argument);
      child_.send(Value::object().set("handle", "server"), server);
    } else if (name == ":sockets") {
      servers_.push_back(listen_on(argument));
      servers_.back().on_connection(
          [this](Socket socket) { child_.send(Value::object().set("handle", "socket"), std::move(socket)); });
    } else if (name == ":udp") {
      const auto socket = baton::net::bind_udp(self_.loop(), Endpoint("127.0.0.1", port_of(argument)));
      print(Value::object().set("listening", socket.local().port()));
      child_.send(Value::object().set("handle", "udp"), socket);
    } else if (name == ":bound") {
      auto socket = baton::net::bind(Endpoint("127.0.0.1", port_of(argument)));
      print(Value::object().set("listening", socket.local().port()));
      child_.send(Value::object().set("handle", "bound"), std::move(socket));
    } else if (name == ":disconnect") {
      disconnect();
    } else if (name == ":kill") {
      const auto number = baton::signal_number(std::string(argument));
      if (!number) {
        complain("no such signal: " + std::string(argument));
      } else if (!child_.kill(*number)) {
        complain("the child has ended");
      }
    } else {
      complain("unknown command: " + std::string(line));
    }
  }

  static uint16_t port_of(std::string_view port_text) {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (error != std::errc() || end != port_text.data() + port_text.size()) {
      throw std::invalid_argument("not a port: " + std::string(port_text));
    }
    return port;
  }

  Server listen_on(std::string_view port_text) {
    Server server = baton::net::listen(self_.loop(), Endpoint("127.0.0.1", port_of(port_text)));
    print(Value::object().set("listening", server.local().port()));
    return server;
  }

  void disconnect() {
    servers_.clear();
    child_.disconnect();
  }

  void on_close(const baton::ExitStatus& status) {
    lines_.close();
    servers_.clear();
    if (!child_.uncaught().empty()) complain("the child died of: " + child_.uncaught());
    Value exit = Value::object().set("code", nullptr).set("signal", nullptr);
    if (status.code()) exit.set("code", *status.code());
    if (status.signal()) exit.set("signal", baton::signal_name(*status.signal()));
    print(Value::object().set("exit", std::move(exit)));
    self_.exit(0);
  }

  baton::Process& self_;
  baton::ForkedChild& child_;
  std::list<Server> servers_;
  Lines lines_;
};

int usage(bool asked) {
  std::fputs("usage: echo_primary MODULE [ARG...], and before MODULE: --serialization json|advanced\n",
             asked ? stdout : stderr);
  if (asked) {
    std::fputs(
        "Forks MODULE (an executable, or a .js, .mjs or .cjs file for Node). Each line of standard input is "
        "a\n"
        "JSON message to it, or one of :server PORT, :sockets PORT, :udp PORT, :bound PORT, :disconnect,\n"
        ":kill SIGNAL. With advanced serialization values that JSON lacks are objects like "
        "{\"$bigint\":\"5\"}: see "
        "examples/typed_json.h.\n",
        stdout);
  }
  return asked ? 0 : 2;
}

baton::Task<> primary(baton::Process& self) {
  std::vector<std::string> words = self.args();
  auto serialization = baton::Serialization::json;
  if (words.size() >= 2 && words[0] == "--serialization" && (words[1] == "json" || words[1] == "advanced")) {
    if (words[1] == "advanced") serialization = baton::Serialization::advanced;
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty() || words[0].starts_with('-')) {
    self.exit(usage(!words.empty() && (words[0] == "--help" || words[0] == "-h")));
    co_return;
  }
  std::string module = words[0];
  if (!module.contains('/')) module = "./" + module;
  try {
    std::vector<std::string> arguments(words.begin() + 1, words.end());
    EchoPrimary echo(self, module, std::move(arguments), serialization);
    baton::Promise<> never(self.loop());
    co_await never.op();  // EchoPrimary exits
  } catch (const baton::Error& error) {
    complain(error.what());
    self.exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
