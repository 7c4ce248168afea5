#include "notes/notes.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "command_line.h"

namespace notes {
namespace {

std::string beside_this_program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(name).string();
}

}  // namespace

int run_primary(int argc, char** argv, const About& about,
                baton::Task<> (*primary)(baton::Process&, const Settings&)) {
  Settings settings{beside_this_program(about.worker), about.port.value_or(0),
                    baton::available_parallelism()};
  CLI::App app(about.does + "\n" + about.zh + "\n", about.name);
  app.add_option("WORKER", settings.worker,
                 "what it forks: a program, or a script for Node (.js); by default " + about.worker +
                     " beside it\n要 fork 的程序，或 Node 脚本（.js）；默认是旁边的 " + about.worker)
      ->check(CLI::ExistingFile);
  const std::string of_no_use = "of no use here  这里用不到";
  const std::string otherwise = about.port ? std::to_string(*about.port) : "";
  app.add_option("PORT", settings.port,
                 about.port ? "where it listens, by default " + otherwise +
                                  "; 0: any free port\n监听的端口，默认 " + otherwise + "；0 表示任意空闲端口"
                            : of_no_use);
  app.add_option(
         "COUNT", settings.count,
         about.many ? "how many workers, by default one a core\n工作进程的数量，默认每核一个" : of_no_use)
      ->check(CLI::Range(1, 1024));
  app.footer("SIGTERM, Ctrl-C: the workers end too.  工作进程随之结束。");
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  // A name without '/' would be an entry of this program.
  if (settings.worker.find('/') == std::string::npos) settings.worker.insert(0, "./");
  const auto begin = [&](baton::Process& self) { return primary(self, settings); };
  return baton::run(argc, argv, {{"primary", begin}});
}

int run_worker(int argc, char** argv, const About& about, baton::Task<> (*worker)(baton::Process&)) {
  CLI::App app(about.does + "\n" + about.zh + "\n", about.name);
  app.footer("A primary starts it, with a channel.  由主进程启动，带着通道。");
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  if (std::getenv("NODE_CHANNEL_FD") == nullptr) {
    std::fprintf(stderr, "%s: there is no channel: a primary starts it (see %s --help)\n", about.name.c_str(),
                 about.name.c_str());
    return 2;
  }
  return baton::run(argc, argv, {{"worker", worker}});
}

void say(const std::string& line) {
  std::printf("%s%s", line.c_str(), line.ends_with('\n') ? "" : "\n");
  std::fflush(stdout);
}

baton::Task<> asked_to_end(baton::Process& self) {
  baton::Promise<> asked(self.loop());
  const auto on_signal = [&asked](int) { asked.resolve({}); };
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, on_signal);
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, on_signal);
  co_await asked.op();
}

}  // namespace notes
