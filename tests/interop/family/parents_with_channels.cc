// Parents of children with a channel.

#include <stdexcept>

#include "interop/family/family.h"

namespace baton::family {

Task<> speak_late(Process& self, Channel& channel, std::string who) {
  Promise<> refused(self.loop());
  channel.send("late").then([&](const Result<void>& sent) {
    if (!sent && sent.error().code() == Errc::disconnected) print(who + " is refused");
    refused.resolve({});
  });
  co_await refused.op();
}

Exchange::Exchange(Loop& loop, Channel& channel) : channel_(channel), over_(loop) {
  channel.on_message([this](const Message& message) { on_message(message); });
  const auto server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  for (int i = 0; i < 50; ++i) channel.send(i, server);
}

void Exchange::on_message(const Message& message) {
  if (message.has_handle()) {
    if (message.value() != Value(taken_)) throw std::runtime_error("another one was expected");
    if (++taken_ == 50) channel_.send("has all");
  } else if (message.value() == Value("has all")) {
    other_has_all_ = true;
  } else {
    return other(message.value());
  }
  if (other_has_all_ && taken_ == 50) over_.resolve({});
}

namespace {

void print_messages_of(Channel& child) {
  child.on_message([](const Message& message) { print(to_json(message.value())); });
}

Task<> channel_is(Process& self) {
  auto& child = fork(self, {"talk"}, ForkOptions().channel_number(std::stoi(self.args()[2])));
  print_messages_of(child);
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.how());
}

Task<> hear(Process& self) {
  auto& child = fork(self, {self.args()[2]});
  print_messages_of(child);
  child.on_disconnect([](bool) { print("disconnect"); });
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.how());
}

Task<> throw_at_each(Process& self) {
  int got = 0;
  int caught = 0;
  self.loop().on_uncaught([&](const std::exception_ptr&) { ++caught; });
  auto& child = fork(self, {"say ten"});
  child.on_message([&](const Message&) {
    ++got;
    throw std::runtime_error("each");
  });
  child.on_disconnect([](bool) { print("disconnect"); });
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.how());
  print(std::to_string(got) + " messages, " + std::to_string(caught) + " exceptions");
}

Task<> be_thrown_at(Process& self) {
  auto& child = fork(self, {"throw at each one"});
  Story story(self.loop(), child);
  for (int i = 0; i < 10; ++i) child.send(i);
  child.disconnect();
  co_await story.closed();
  print(story.how());
}

Task<> leave(Process& self) {
  auto& child = fork(self, {"stay until left"}, ForkOptions().spawn(output()));
  Story story(self.loop(), child);
  const Message started = (co_await child.next_message()).value();
  print(started.value().as_string());
  child.disconnect();
  co_await story.closed();
  print(story.out.substr(0, story.out.find('\n')));
  print(story.how());
}

Task<> speak_late_to_child(Process& self) {
  auto& child = fork(self, {"leave and speak"});
  Story story(self.loop(), child);
  child.send("leave");
  co_await story.closed();
  print(story.how());
  co_await speak_late(self, child, "the parent");
}

Task<> ask_of_each(Process& self) {
  auto& child = fork(self, {"count"});
  Story story(self.loop(), child);
  int went = 0;
  int settled = 0;
  Promise<> all(self.loop());
  for (int i = 0; i < 50; ++i) {
    child.send(i).then([&](const Result<void>& result) {
      went += result ? 1 : 0;
      if (++settled == 50) all.resolve({});
    });
  }
  co_await all.op();
  print(std::to_string(went) + " went");
  child.send("end");
  co_await story.closed();
  print(story.how());
  print(child.send("late").error() != nullptr ? "the last is refused" : "the last went");
}

Task<> say_much(Process& self) {
  constexpr size_t size = size_t{8} << 20;
  auto& child = fork(self, {"echo"}, ForkOptions().serialization(Serialization::advanced));
  Story story(self.loop(), child);
  const auto letters = [](int i) { return Value::bytes(std::string(size, static_cast<char>('A' + i))); };
  for (int i = 0; i < 4; ++i) child.send(letters(i));
  for (int i = 0; i < 4; ++i) {
    const Message message = (co_await child.next_message()).value();
    print(std::to_string(size) + " " + (message.value() == letters(i) ? std::to_string(i) : "another"));
  }
  child.disconnect();
  co_await story.closed();
  print(story.how());
}

Task<> give_both_ways(Process& self) {
  auto& child = fork(self, {"give and take"});
  Story story(self.loop(), child);
  Exchange exchange(self.loop(), child);
  co_await exchange.over();
  print("both have all");
  child.send("bye");
  co_await story.closed();
  print(story.how());
}

Task<> give_with(Process& self) {
  const Value message = self.args()[2] == "nothing" ? Value(nullptr) : Value(std::string(800002, 'x'));
  const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
  auto& child = fork(self, {"give it back"});
  Story story(self.loop(), child);
  child.send(message, server);
  Message back = (co_await child.next_message()).value();
  const bool same_server = back.take<net::Server>().local().port() == server.local().port();
  print(back.value() == message && same_server ? "it is back" : to_json(back.value()).substr(0, 80));
  child.disconnect();
  co_await story.closed();
  print(story.how());
}

Task<> give_too_many(Process& self) {
  const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
  auto& child = fork(self, {"exit at the first"});
  Story story(self.loop(), child);
  child.on_error([](const Error&) {});
  int settled = 0;
  Promise<> all(self.loop());
  for (int i = 0; i < 20; ++i) {
    child.send(i, server).then([&](const Result<void>&) {
      if (++settled == 20) all.resolve({});
    });
  }
  co_await story.closed();
  print(story.how());
  print(child.connected() ? "connected" : "not connected");
  co_await all.op();
  print("all have settled");
}

}  // namespace

const std::map<std::string, Parent> parents_with_channels = {
    {"channel is", channel_is},
    {"hear", hear},
    {"throw at each", throw_at_each},
    {"be thrown at", be_thrown_at},
    {"leave", leave},
    {"speak late", speak_late_to_child},
    {"ask of each", ask_of_each},
    {"say much", say_much},
    {"give both ways", give_both_ways},
    {"give with", give_with},
    {"give too many", give_too_many},
};

}  // namespace baton::family
