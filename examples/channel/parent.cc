// A parent: channel_parent COMMAND [ARG...] starts the command with a channel, and prints what it says.

#include <cstdio>
#include <string>
#include <vector>

#include "baton/baton.h"

struct Job {
  int id = 0;
  std::string path;
};
BATON_FIELDS(Job, id, path)

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

baton::Task<> parent(baton::Process& self) {
  const auto& command = self.args();
  if (command.empty()) {
    std::fprintf(stderr, "usage: channel_parent COMMAND [ARG...]\n");
    self.exit(2);
    co_return;
  }
  const std::vector<std::string> arguments(command.begin() + 1, command.end());
  auto& child = self.fork(command[0], baton::ForkOptions().args(arguments));
  child.send(Job{1, "ä.png"});
  child.send("two");
  child.send(baton::Value::array({3, nullptr}));
  for (int answers = 0; answers < 3;) {
    const auto message = co_await child.next_message();
    if (!message) break;
    say("child said " + baton::to_json(message->value()));
    if (message->value().find("you_said") != nullptr) ++answers;
  }
  child.disconnect();
  co_await child.disconnected();
  say("the channel has ended");
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"parent", parent}}); }
