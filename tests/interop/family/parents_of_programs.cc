// Parents of children without a channel, or of whose channel little is asked.

#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <sstream>

#include "interop/family/family.h"

namespace baton::family {
namespace {

Task<> somewhere(Process& self) {
  auto child = start(self, {"where"}, output().cwd(""));
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.out);
  try {
    (void)start(self, {"where"}, output().cwd("/nowhere/at/all"));
  } catch (const Error& error) {
    print(error.code() == std::errc::no_such_file_or_directory ? "ENOENT" : error.what());
  }
}

Task<> outlived(Process& self) {
  const SpawnOptions options = all(Stdio::ignore()).detached();
  if (self.args()[2] == "spawn") {
    auto child = start(self, {"stay"}, options);
    print(std::to_string(child.pid()));
    child.detach();
  } else {
    auto& child = fork(self, {"stay"}, ForkOptions().spawn(options));
    print(std::to_string(child.pid()));
    child.process().detach();
  }
  self.exit(0);
  co_return;
}

Task<> generation(Process& self) {
  const auto& arguments = self.args();
  const int left = std::stoi(arguments[1]);
  if (left == 0) {
    print("the last");
    self.exit(7);
    co_return;
  }
  auto child = start(self, {"generation", std::to_string(left - 1), arguments[3], arguments[2]}, output(), 2);
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.out + std::to_string(left) + " saw " + story.how());
  self.exit(story.status.code().value_or(1));
}

std::vector<std::string> rest_of(const Process& self) { return {self.args().begin() + 2, self.args().end()}; }

Task<> inherited(Process& self) {
  auto child = start(self, rest_of(self), all(Stdio::inherit()));
  Story story(self.loop(), child);
  co_await story.closed();
  self.exit(story.status.code().value_or(1));
}

Task<> collected(Process& self) {
  auto child = start(self, rest_of(self), SpawnOptions());
  Story story(self.loop(), child);
  co_await story.closed();
  print("out: " + story.out + ", err: " + story.err + ", " + story.how());
}

Task<> forty(Process& self) {
  size_t bytes = 0;
  for (int i = 0; i < 40; ++i) {
    auto child = start(self, {"print", "1048576"}, output());
    Story story(self.loop(), child);
    co_await story.closed();
    bytes += story.out.size();
  }
  print(std::to_string(bytes));
}

Task<> merged(Process& self) {
  auto cat = spawn(self.loop(), "cat", {}, SpawnOptions().stdio(2, Stdio::inherit()));
  Story together(self.loop(), cat);
  const auto into = [&cat] { return output().stdio(1, Stdio::descriptor(cat.stdin_stream().descriptor())); };
  auto one = start(self, {"say", "one"}, into());
  auto two = start(self, {"say", "two"}, into());
  Story first(self.loop(), one);
  Story second(self.loop(), two);
  co_await first.closed();
  co_await second.closed();
  cat.stdin_stream().end("three\n");
  co_await together.closed();
  std::set<std::string> lines;
  std::istringstream text(together.out);
  for (std::string line; std::getline(text, line);) lines.insert(line);
  for (const std::string& line : lines) print(line);
}

Task<> reader_after_reader(Process& self) {
  auto cat = spawn(self.loop(), "cat", {}, SpawnOptions().stdio(2, Stdio::inherit()));
  cat.stdin_stream().write("first\n");
  const auto lent = Stdio::descriptor(cat.stdout_stream().descriptor());
  auto child = start(self, {"read a line"}, all(Stdio::inherit()).stdio(0, lent));
  Story story(self.loop(), child);
  co_await story.closed();
  Story rest(self.loop(), cat);
  cat.stdin_stream().end("second\n");
  co_await rest.closed();
  print("the parent read " + rest.out.substr(0, rest.out.find('\n')));
}

Task<> lend_a_connection(Process& self) {
  auto server = net::listen(self.loop(), net::Endpoint::unix_path(self.args()[2]));
  Promise<net::Socket> accepted(self.loop());
  server.on_connection([&](net::Socket socket) { accepted.resolve(std::move(socket)); });
  print("listening");
  auto socket = co_await accepted.op();
  auto child = start(self, {"say", "to you"}, output().stdio(1, Stdio::descriptor(socket.descriptor())));
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.how());
  server.close();
  socket.end();
}

Task<> unheard(Process& self) {
  auto& child = fork(self, {"speak to nobody"}, ForkOptions().spawn(output()));
  Story story(self.loop(), child);
  const Message ready = (co_await child.next_message()).value();
  child.process().stdout_stream().close();
  child.send("go");
  const Message spoken = (co_await child.next_message()).value();
  print(spoken.value().as_string());
  child.disconnect();
  co_await story.closed();
  print(story.how());
}

Task<> from_a_file(Process& self) {
  Fd file(::open(self.args()[2].c_str(), O_RDONLY | O_CLOEXEC));
  auto child = start(self, {"cat"}, output().stdio(0, Stdio::descriptor(std::move(file))));
  Story story(self.loop(), child);
  co_await story.closed();
  print(story.out);
}

Task<> give_a_listener(Process& self) {
  const std::string how = self.args()[2];
  auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
  const uint16_t port = server.local().port();
  auto options = all(how == "detached" ? Stdio::ignore() : Stdio::inherit()).detached(how != "kept");
  auto child = start(self, {"serve what is 3"}, options.pass(server.descriptor(), 3));
  server.close();
  print(std::to_string(port) + " " + std::to_string(child.pid()));
  if (how != "kept") {
    child.detach();
    self.exit(0);
    co_return;
  }
  auto input = net::Socket::adopt(self.loop(), Fd(::dup(STDIN_FILENO))).value();
  Promise<> ended(self.loop());
  input.on_data([](std::string_view) {});
  input.on_end([&] { ended.resolve({}); });
  co_await ended.op();
  Story story(self.loop(), child);
  child.kill();
  co_await story.closed();
  print(story.how());
}

Task<> both_kinds(Process& self) {
  const auto of = [](const char* kind) { return all(Stdio::inherit()).add_env("KIND", kind); };
  auto& forked = fork(self, {"have a channel?"}, ForkOptions().spawn(of("forked")));
  Story first(self.loop(), forked);
  co_await first.closed();
  print(first.how());
  auto spawned = start(self, {"have a channel?"}, of("spawned"));
  Story second(self.loop(), spawned);
  co_await second.closed();
  print(second.how());
}

}  // namespace

const std::map<std::string, Parent> parents_of_programs = {
    {"somewhere", somewhere},
    {"outlived", outlived},
    {"generation", generation},
    {"inherited", inherited},
    {"collected", collected},
    {"forty", forty},
    {"merged", merged},
    {"reader after reader", reader_after_reader},
    {"lend a connection", lend_a_connection},
    {"unheard", unheard},
    {"from a file", from_a_file},
    {"give a listener", give_a_listener},
    {"both kinds", both_kinds},
};

}  // namespace baton::family
