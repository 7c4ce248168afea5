#pragma once

// What the primaries of these examples have in common. Each is started as
//
//     notes_tcp_primary [WORKER [PORT [COUNT]]]
//
// WORKER is what it forks: an executable (with a '/') or a script for Node; by default the worker beside it.

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "baton/baton.h"

namespace notes {

/// The worker to fork: the first argument, or the program `beside` in the folder of this one.
inline std::string worker_module(baton::Process& self, const std::string& beside) {
  if (!self.args().empty()) return self.args()[0];
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(beside).string();
}

/// The argument at `index`, or `otherwise`.
inline unsigned number(baton::Process& self, size_t index, unsigned otherwise) {
  return self.args().size() > index ? static_cast<unsigned>(std::stoul(self.args()[index])) : otherwise;
}

/// Where to listen: the second argument is the port.
inline baton::net::Endpoint endpoint(baton::Process& self, uint16_t otherwise) {
  return {"127.0.0.1", static_cast<uint16_t>(number(self, 1, otherwise))};
}

/// How many workers: the third argument, or one a core.
inline unsigned count(baton::Process& self) { return number(self, 2, baton::available_parallelism()); }

/// Prints a line that a reader at the other end of a pipe gets at once.
inline void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// Waits until somebody asks this process to end: SIGTERM, or Ctrl-C.
inline baton::Task<> asked_to_end(baton::Process& self) {
  baton::Promise<> asked(self.loop());
  const auto on_signal = [&asked](int) { asked.resolve({}); };
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, on_signal);
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, on_signal);
  co_await asked.op();
}

/// Every worker begins so: without a parent there is nothing to do.
inline int run_worker(int argc, char** argv, baton::Task<> (*worker)(baton::Process&)) {
  return baton::run(argc, argv, {{"worker", worker}});
}

}  // namespace notes
