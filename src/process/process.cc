#include "baton/process/process.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "base/thrown.h"
#include "loop/standard_streams.h"
#include "process/inherited.h"
#include "process/process_name.h"
#include "process/program_note.h"
#include "process/script.h"

namespace baton {
namespace {

constexpr std::size_t most_ended = 1024;

// Compilers would align it as they like.
alignas(4) [[gnu::used, gnu::section(".note.baton")]] constexpr ProgramNote note;

std::string default_interpreter() {
  const char* chosen = std::getenv("BATON_NODE");
  return chosen != nullptr && *chosen != '\0' ? chosen : "node";
}

// The program and the arguments that a module stands for.
struct Command {
  std::string file;
  std::vector<std::string> arguments;
};

Command command_for(const std::string& module, const ForkOptions& options) {
  Command command;
  if (is_script(module)) {
    command.file = options.interpreter().empty() ? default_interpreter() : options.interpreter();
    command.arguments = options.exec_args();
    command.arguments.push_back(module);
  } else {
    command.file = module.contains('/') ? module : "/proc/self/exe";
  }
  command.arguments.insert(command.arguments.end(), options.args().begin(), options.args().end());
  return command;
}

void tell_uncaught(const std::string& what) {
  std::fprintf(stderr, "%s (pid %d): uncaught exception: %s\n", process_name().c_str(), ::getpid(),
               what.c_str());
}

// As Node tells its children. Who is not told must not take what was said to this process, or to another, for
// his.
void tell_of_channel(SpawnOptions& how, const ForkOptions& options, int descriptor, bool to_node) {
  if (!options.channel()) {
    for (const char* name : {"NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", "BATON_CHANNEL"}) {
      how.remove_env(name);
    }
    return;
  }
  const bool advanced = options.serialization() == Serialization::advanced;
  how.pass(descriptor, options.channel_number())
      .add_env("NODE_CHANNEL_FD", std::to_string(options.channel_number()))
      .add_env("NODE_CHANNEL_SERIALIZATION_MODE", advanced ? "advanced" : "json");
  // Node would leave the variable to its own children.
  if (!to_node) how.add_env("BATON_CHANNEL", "1");
}

}  // namespace

void Entry::follow(Process& self, Task<> task) { start(self.loop(), std::move(task)); }
void Entry::follow(Process& self, int exit_code) {
  if (!self.exiting_) self.exit_code_ = exit_code;
}
void Entry::follow(Process& self, Task<int> task) {
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): the process outlives its loop
  const auto exit_with = [](Process& process, Task<int> code) -> Task<> {
    const int ended = co_await std::move(code);
    follow(process, ended);
  };
  start(self.loop(), exit_with(self, std::move(task)));
}

Process::Process(Loop& loop, std::vector<std::string> args, const std::vector<Entry>& entries)
    : loop_(loop), args_(std::move(args)), entries_(entries) {}
Process::~Process() = default;

ForkedChild& Process::fork(const std::string& module, const ForkOptions& options) {
  const bool script = is_script(module);
  const bool entry = !script && !module.contains('/');
  if (entry && std::ranges::find(entries_, module, &Entry::name) == entries_.end()) {
    std::string names;
    for (const Entry& known : entries_) names += (names.empty() ? "" : ", ") + known.name();
    throw std::invalid_argument("fork " + module + ": this program has no such entry, only: " + names);
  }
  // Node itself would say so only after it has started, and in many lines.
  if (script && options.spawn().cwd().empty() && ::access(module.c_str(), R_OK) != 0) {
    throw Error(errno, "fork " + module, "open");
  }

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error(errno, "fork " + module, "socketpair");
  }
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  const int on = 1;
  if (options.notices_senders()) ::setsockopt(ours.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  SpawnOptions how = options.spawn();
  how.shell("");
  tell_of_channel(how, options, theirs.get(), script);
  if (entry) {
    how.add_env("BATON_ENTRY", module);
    if (!how.arg0()) how.arg0(program_name() + ": " + module);
  }

  Command command = command_for(module, options);
  Child process = baton::spawn(loop_, std::move(command.file), std::move(command.arguments), how);
  const auto channel_options =
      ChannelOptions().serialization(options.serialization()).longest_message(options.longest_message());
  auto channel = Channel::adopt(loop_, std::move(ours), channel_options);
  if (!channel) throw std::move(channel).error();
  if (!options.channel()) channel->disconnect();
  children_.push_back(std::make_shared<ForkedChild>(std::move(*channel), std::move(process)));
  const auto place = std::prev(children_.end());
  (*place)->begin([this, place] {
    ended_.push_back(std::move(*place));
    children_.erase(place);
    if (ended_.size() > most_ended) ended_.pop_front();
  });
  return **place;
}

Channel& Process::parent() {
  if (!parent_) throw std::logic_error(no_parent_);
  return parent_;
}

void Process::exit(int code) {
  exit_code_ = code;
  exiting_ = true;
  if (!has_parent() || !parent_.connected()) {
    loop_.stop();
    return;
  }
  parent_.flushed().then([&loop = loop_](Result<void> result) {
    if (result || result.error().code() != Errc::cancelled) loop.stop();
  });
}

int run(int argc, char** argv, std::vector<Entry> entries) {
  // Both are errors of the write that causes them, too.
  for (const int number : {SIGPIPE, SIGXFSZ}) ::signal(number, SIG_IGN);
  open_standard_streams();
  Inherited inherited = Inherited::take();
  const std::string wanted = inherited.entry();
  const auto named = std::ranges::find(entries, wanted, &Entry::name);
  const Entry& entry = named == entries.end() ? entries.front() : *named;
  if (!wanted.empty() && named == entries.end()) {
    std::fprintf(stderr, "%s: there is no entry %s\n", argv[0], wanted.c_str());
    return 2;
  }

  std::optional<Loop> made;
  try {
    made.emplace();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argc > 0 ? argv[0] : "?", error.what());
    return 1;
  }
  Loop& loop = *made;
  name_process(argc > 0 ? argv[0] : "", wanted);
  int code = 0;
  {
    Process self(loop, {argv + std::min(argc, 1), argv + argc}, entries);
    self.worker_id_ = inherited.worker_id();
    const bool announce = inherited.from_baton();
    const Serialization serialization = inherited.serialization();
    auto descriptor = std::move(inherited).channel();
    if (descriptor) {
      const auto options =
          ChannelOptions().ref_while_listening().announce(announce).serialization(serialization);
      self.parent_ = Channel::adopt(loop, std::move(*descriptor), options).value();
    } else {
      self.no_parent_ = descriptor.error().what();
    }
    loop.call([&] { entry.begin(self); });
    try {
      loop.run();
      code = self.exit_code_;
    } catch (...) {
      const std::string what = what_of(std::current_exception());
      tell_uncaught(what);
      if (self.has_parent()) self.parent_.tell_death(what);
      code = 1;
    }
    loop.drop_frames();
  }
  try {
    loop.run();  // until the children that were left are gone
  } catch (...) {
    tell_uncaught(what_of(std::current_exception()));
    code = 1;
  }
  return code;
}

}  // namespace baton
