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
//   foreground              a Baton parent on a terminal: how often does an interrupt reach each of its
//   children? count-interrupts        says how often it was interrupted when its standard input ends forbid
//   CALL PROGRAM [ARG...]  becomes PROGRAM, for which that system call fails with EAGAIN; with `low-ports` it
//                           may not bind ports below 1024, whoever it is

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "baton/baton.h"
#include "process/raw_channel.h"
#include "support/refuse_call.h"

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

void count_interrupts() {
  static volatile sig_atomic_t interrupts = 0;
  struct sigaction action{};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    interrupts = interrupts + 1;
    (void)!::write(1, "interrupted\n", 12);
  };
  ::sigaction(SIGINT, &action, nullptr);
  print("ready");
  wait_for_input_to_end();
  print(std::to_string(interrupts) + " in all");
}

/// Children in this process's group and in sessions of their own; the interrupt of the terminal is passed on
/// to these.
class Foreground {
 public:
  explicit Foreground(baton::Process& self) : self_(self) {
    start("of the group", baton::SpawnOptions());
    start("detached", baton::SpawnOptions().detached());
    start("a tree", baton::SpawnOptions().whole_tree());
    start("on a terminal", baton::SpawnOptions().terminal());
    interrupt_ = baton::SignalWatcher(self.loop(), SIGINT, [this](int) {
      ++interrupts_;
      go_on();
    });
  }

 private:
  struct One {
    std::string name;
    baton::Child process;
    std::string said;
    [[nodiscard]] bool has_said(const char* what) const { return said.contains(what); }
  };

  void start(const std::string& name, baton::SpawnOptions how) {
    how.stdio(0, baton::Stdio::pipe()).stdio(1, baton::Stdio::pipe()).stdio(2, baton::Stdio::inherit());
    One& one = children_.emplace_back(name);
    one.process = baton::spawn(self_.loop(), "/proc/self/exe", {"count-interrupts"}, how);
    one.process.stdout_stream().on_data([this, &one](std::string_view bytes) {
      for (const char c : bytes) one.said += c == '\n' ? ' ' : c;
      go_on();
    });
    one.process.on_close([this](const baton::ExitStatus&) {
      if (++closed_ < children_.size()) return;
      for (const One& each : children_) print(each.name + ": " + each.said);
      print("the parent: " + std::to_string(interrupts_) + " in all");
      self_.exit(0);
    });
  }
  [[nodiscard]] bool all_have_said(const char* what) const {
    return std::ranges::all_of(children_, [&](const One& one) { return one.has_said(what); });
  }
  void go_on() {
    if (!std::exchange(told_ready_, all_have_said("ready")) && told_ready_) print("all are ready");
    // Both of the group have had the terminal's: what would come of it to the others has come.
    const bool passes_on = interrupts_ > 0 && children_.front().has_said("interrupted");
    if (!std::exchange(passed_on_, passes_on) && passed_on_) {
      for (One& one : children_) {
        if (&one != &children_.front()) one.process.kill(SIGINT);
      }
    }
    if (!std::exchange(finished_, all_have_said("interrupted")) && finished_) {
      for (One& one : children_) one.process.stdin_stream().end();
    }
  }

  baton::Process& self_;
  std::list<One> children_;
  baton::SignalWatcher interrupt_;
  int interrupts_ = 0;
  size_t closed_ = 0;
  bool told_ready_ = false, passed_on_ = false, finished_ = false;
};

baton::Task<> in_the_foreground(baton::Process& self) {
  const Foreground foreground(self);
  baton::Promise<> never(self.loop());
  co_await never.op();  // Foreground exits
}

// CAP_NET_BIND_SERVICE neither comes back with execve nor is inherited. Who is not root has none.
void give_up_low_ports() {
  ::prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct now[2] = {};
  ::syscall(SYS_capget, &header, now);
  now[0].inheritable &= ~(1U << CAP_NET_BIND_SERVICE);
  ::syscall(SYS_capset, &header, now);
}

int run_without(const std::string& name, char** program) {
  if (name == "low-ports") {
    give_up_low_ports();
    ::execv(program[0], program);
  }
  static constexpr std::pair<const char*, long> calls[] = {{"clone", SYS_clone},
                                                           {"setgroups", SYS_setgroups},
                                                           {"setresgid", SYS_setresgid},
                                                           {"setresuid", SYS_setresuid}};
  for (const auto& [known, number] : calls) {
    if (name == known && baton::test::refuse_call(number, EAGAIN)) ::execv(program[0], program);
  }
  return 9;
}

}  // namespace

int main(int argc, char** argv) {
  const Steps arguments(argv + 1, argv + argc);
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "observe") return baton::run(argc, argv, {{"observe", observe}});
  if (mode == "activate" || mode.empty())
    return baton::run(argc, argv, {{"activate", activate}, {"activated", activated}});
  if (mode == "foreground") return baton::run(argc, argv, {{"foreground", in_the_foreground}});
  if (mode == "inherited") return baton::run(argc, argv, {{"inherited", show_what_is_inherited}});
  if (mode == "forbid" && arguments.size() >= 3) return run_without(arguments[1], argv + 3);
  // Should the test itself die, nothing of it shall stay.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A script tells what it inherited; RawChannel raises no SIGPIPE anyway.
  if (mode != "script") ::signal(SIGPIPE, SIG_IGN);
  if (mode == "count-interrupts") return count_interrupts(), 0;
  if (mode == "lend" && arguments.size() == 2) return lend(arguments[1]);
  if (mode == "script") return play({arguments.begin() + 1, arguments.end()});
  if (mode == "parent" && arguments.size() == 2) return be_parent(arguments[1]);
  std::fprintf(stderr, "peer: how shall I misbehave?\n");
  return 2;
}
