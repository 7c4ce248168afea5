#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "interop/family/family.h"

namespace baton::family {
namespace {

void write_all(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void where(Process& /*self*/) { write_all(std::filesystem::current_path().string()); }

void stay(Process& /*self*/) { ::pause(); }

void print_many(Process& self) { print(std::string(std::stoul(self.args()[1]) - 1, 'x')); }

void say(Process& self) { print(self.args()[1]); }

void cat(Process& /*self*/) {
  std::array<char, 4096> bytes;
  for (ssize_t got = 0; (got = ::read(0, bytes.data(), bytes.size())) > 0;)
    write_all({bytes.data(), static_cast<size_t>(got)});
}

void read_a_line(Process& /*self*/) {
  std::string line;
  for (char byte = 0; ::read(0, &byte, 1) == 1 && byte != '\n';) line += byte;
  print("the child read " + line);
}

void end_the_output(Process& /*self*/) {
  write_all("foo");
  ::close(1);
}

void speak_to_nobody(Process& self) {
  Channel& parent = self.parent();
  parent.on_message([&parent](const Message&) {
    print("does anybody hear?");
    parent.send("has spoken");
  });
  parent.send("ready");
}

void serve_what_is_3(Process& self) {
  static http::Server server;
  server = http::serve(net::Server::adopt(self.loop(), Fd(3)).value(), [](auto&, http::Response& response) {
    response.end(std::to_string(::getpid()) + "\n");
  });
}

void have_a_channel(Process& self) {
  print(std::string(std::getenv("KIND")) + (self.has_parent() ? ": a channel" : ": no channel"));
}

void talk(Process& self) { self.parent().send("talked"); }

void nothing(Process& /*self*/) {}

void speak_internally(Process& self) {
  self.parent().send(Value::object().set("cmd", "NODE_foo"));
  self.parent().send(Value::object().set("cmd", "fooNODE_"));
}

void listen_late(Process& self) {
  self.parent().on_disconnect(
      [&self](bool) { self.loop().defer([&self] { self.parent().on_message([](const Message&) {}); }); });
  self.parent().disconnect();
}

void say_ten(Process& self) {
  for (int i = 0; i < 10; ++i) self.parent().send(i);
}

void throw_at_each_one(Process& self) {
  static int got = 0;
  static int caught = 0;
  self.loop().on_uncaught([](const std::exception_ptr&) { ++caught; });
  self.parent().on_message([](const Message&) {
    ++got;
    throw std::runtime_error("each");
  });
  self.parent().on_disconnect(
      [](bool) { print(std::to_string(got) + " messages, " + std::to_string(caught) + " exceptions"); });
}

void stay_until_left(Process& self) {
  self.parent().on_disconnect([](bool) { print("at the end"); });
  self.parent().send("started");
}

Task<> leave_and_speak(Process& self) {
  const Message order = (co_await self.parent().next_message()).value();
  self.parent().disconnect();
  co_await speak_late(self, self.parent(), "the child");
}

void count(Process& self) {
  self.parent().on_message([&self, count = 0](const Message& message) mutable {
    if (message.value() != Value("end")) return void(++count);
    print(std::to_string(count) + " came");
    self.exit(0);
  });
}

void echo(Process& self) {
  self.parent().on_message([&self](const Message& message) { self.parent().send(message.value()); });
}

Task<> give_and_take(Process& self) {
  Exchange exchange(self.loop(), self.parent());
  Promise<> left(self.loop());
  exchange.other = [&](const Value&) {
    self.parent().disconnect();
    left.resolve({});
  };
  co_await left.op();
}

void give_it_back(Process& self) {
  self.parent().on_message([&self](Message message) {
    const auto server = message.take<net::Server>();
    self.parent().send(message.value(), server);
  });
}

void exit_at_the_first(Process& self) {
  self.parent().on_message([&self](const Message& message) {
    if (message.has_handle()) self.exit(0);
  });
}

// What waits for a line of its own.
template <Task<> (*Act)(Process&)>
void begin(Process& self) {
  Entry("child", Act).begin(self);
}

}  // namespace

const std::map<std::string, Child> children = {
    {"where", where},
    {"stay", stay},
    {"print", print_many},
    {"say", say},
    {"cat", cat},
    {"read a line", read_a_line},
    {"end the output", end_the_output},
    {"speak to nobody", speak_to_nobody},
    {"serve what is 3", serve_what_is_3},
    {"have a channel?", have_a_channel},
    {"talk", talk},
    {"nothing", nothing},
    {"speak internally", speak_internally},
    {"listen late", listen_late},
    {"say ten", say_ten},
    {"throw at each one", throw_at_each_one},
    {"stay until left", stay_until_left},
    {"leave and speak", begin<leave_and_speak>},
    {"count", count},
    {"echo", echo},
    {"give and take", begin<give_and_take>},
    {"give it back", give_it_back},
    {"exit at the first", exit_at_the_first},
};

}  // namespace baton::family
