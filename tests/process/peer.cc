// The misbehaving peer of the process tests. What it does is said by its arguments:
//
//   lend NAME               gives its channel to whoever listens on the abstract Unix socket NAME, and exits
//   as
//                           that says: 'x' exits with 0, 'k' dies of SIGKILL, the end counts as 'x'
//   script STEP...          does this with its channel, in order (see `play`)
//   parent PROGRAM          starts PROGRAM with a channel, prints its line and its pid, and waits
//   observe MODULE [ARG...] a Baton parent: prints each event of its child as it comes
//   inherited               a Baton child: what does a program see that it starts?
//   activate                a Baton parent: prints what a child says that is started as a systemd service is

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "process/raw_channel.h"

using baton::Fd;
using baton::test::RawChannel;

namespace {

using Steps = std::vector<std::string>;

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

[[noreturn]] void die() {
  ::raise(SIGKILL);
  std::abort();
}

RawChannel inherited_channel() {
  const char* number = std::getenv("NODE_CHANNEL_FD");
  return RawChannel(Fd(number == nullptr ? -1 : std::atoi(number)));
}

int lend(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return 1;
  RawChannel borrower(std::move(socket));
  {
    const RawChannel channel = inherited_channel();
    const int number = channel.descriptor();
    if (!borrower.write_with("c", {&number, 1})) return 1;
  }
  char order = 0;
  while (borrower.read(&order, 1) == 0 && borrower.timed_out()) {
  }
  if (order == 'k') die();
  return 0;
}

// The port of each descriptor that came.
std::string ports_of(const std::vector<Fd>& received) {
  std::string ports;
  for (const Fd& descriptor : received) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(descriptor.get(), reinterpret_cast<sockaddr*>(&address), &length);
    ports += (ports.empty() ? "" : " ") + std::to_string(ntohs(address.sin_port));
  }
  return "ports: " + ports;
}

void wait_for_input_to_end() {
  char byte = 0;
  while (::read(0, &byte, 1) > 0) {
  }
}

std::string sigpipe_of_this_process() {
  struct sigaction action{};
  ::sigaction(SIGPIPE, nullptr, &action);
  return action.sa_handler == SIG_DFL ? "\"default\"" : "\"not default\"";
}

int play(const Steps& steps) {
  RawChannel channel = inherited_channel();
  for (size_t i = 0; i < steps.size(); ++i) {
    const std::string& step = steps[i];
    if (step == "line") {  // line TEXT
      channel.line(steps[++i]);
    } else if (step == "read") {  // one line, which is printed
      const auto line = channel.next_line();
      print(line ? *line : "the end");
    } else if (step == "read-all") {
      while (const auto line = channel.next_line()) print(*line);
      print("the end");
    } else if (step == "measure") {  // one line, read in small pieces
      channel.piece = 1000;
      const auto line = channel.next_line();
      print(std::to_string(line ? line->size() : 0) + " bytes, " + std::to_string(channel.received.size()) +
            " descriptors");
    } else if (step == "measure-all") {
      size_t lines = 0;
      while (channel.next_line()) ++lines;
      print(std::to_string(lines) + " lines");
    } else if (step == "ports") {
      print(ports_of(channel.received));
    } else if (step == "close") {
      channel.close();
    } else if (step == "shut") {
      channel.shut_writing();
    } else if (step == "wait") {  // until nobody writes to our standard input any more
      wait_for_input_to_end();
    } else if (step == "hang") {  // for ever
      ::pause();
    } else if (step == "sigpipe") {
      channel.line(sigpipe_of_this_process());
    } else if (step == "signal-parent") {  // signal-parent TIMES
      for (int left = std::atoi(steps[++i].c_str()); left > 0; --left) ::kill(::getppid(), SIGUSR1);
    } else if (step == "die") {
      die();
    } else {
      return 9;
    }
  }
  return 0;
}

int be_parent(const std::string& program) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 3);
    if (ends[1] == 3) ::fcntl(3, F_SETFD, 0);
    ::setenv("NODE_CHANNEL_FD", "3", 1);
    ::execl(program.c_str(), program.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  RawChannel channel{Fd(ends[0])};
  print(channel.next_line().value_or("the end"));
  print(std::to_string(pid));
  wait_for_input_to_end();
  return 0;
}

void observe(baton::Process& self) {
  const auto& arguments = self.args();
  auto& child = self.fork(arguments[1], baton::ForkOptions().args({arguments.begin() + 2, arguments.end()}));
  child.on_message(
      [](const baton::Message& message) { print("message " + baton::to_json(message.value())); });
  child.on_disconnect([](bool) { print("disconnect"); });
  child.on_exit([](const baton::ExitStatus& status) { print("exit: " + status.describe()); });
  child.on_close([](const baton::ExitStatus&) { print("close"); });
}

void activate(baton::Process& self) {
  auto spawn = baton::SpawnOptions().stdio(baton::Stdio::inherit());
  spawn.stdio(3, baton::Stdio::ignore()).stdio(4, baton::Stdio::ignore());
  spawn.add_env("LISTEN_FDS", "2").pid_variable("LISTEN_PID").add_env("NODE_UNIQUE_ID", "7");
  auto& child = self.fork("activated", baton::ForkOptions().channel_number(5).spawn(std::move(spawn)));
  child.on_message([](const baton::Message& message) { print(baton::to_json(message.value())); });
}

void activated(baton::Process& self) {
  auto said = baton::Value::object({{"worker", self.worker_id().value_or(0)}});
  said.set("for_me", std::getenv("LISTEN_PID") == std::to_string(::getpid()));
  said.set("left_to_children", std::getenv("NODE_UNIQUE_ID") != nullptr);
  self.parent().send(said);
}

baton::Task<> show_what_is_inherited(baton::Process& self) {
  const std::string look =
      "echo \"[$NODE_CHANNEL_FD$BATON_CHANNEL]\"; readlink /proc/self/fd/* | grep -c socket";
  const auto options = baton::SpawnOptions().stdio(baton::Stdio::inherit());
  auto shell = baton::spawn(self.loop(), "/bin/sh", {"-c", look}, options);
  co_await shell.exited();
}

}  // namespace

int main(int argc, char** argv) {
  const Steps arguments(argv + 1, argv + argc);
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "observe") return baton::run(argc, argv, {{"observe", observe}});
  if (mode == "activate" || mode.empty())
    return baton::run(argc, argv, {{"activate", activate}, {"activated", activated}});
  if (mode == "inherited") return baton::run(argc, argv, {{"inherited", show_what_is_inherited}});
  // Should the test itself die, nothing of it shall stay.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A script tells what it inherited; RawChannel raises no SIGPIPE anyway.
  if (mode != "script") ::signal(SIGPIPE, SIG_IGN);
  if (mode == "lend" && arguments.size() == 2) return lend(arguments[1]);
  if (mode == "script") return play({arguments.begin() + 1, arguments.end()});
  if (mode == "parent" && arguments.size() == 2) return be_parent(arguments[1]);
  std::fprintf(stderr, "peer: how shall I misbehave?\n");
  return 2;
}
