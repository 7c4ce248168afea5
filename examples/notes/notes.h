#pragma once

// What the programs of these examples have in common. A primary is started as
// 这些示例的程序共用的部分。主进程这样启动：
//
//     notes_tcp_primary [WORKER [PORT [COUNT]]]
//
// WORKER is what it forks: an executable or a script for Node; by default the worker beside it.
// WORKER 是它要 fork 的程序：可执行文件或 Node 脚本；默认是同一目录下的那个工作进程。

#include <cstdint>
#include <optional>
#include <string>

#include "baton/baton.h"

namespace notes {

/// What a program says of itself with --help, and what it takes.
struct About {
  std::string name;
  /// What it does, in English and in Chinese.
  std::string does, zh;
  /// The worker beside it; a worker has none.
  std::string worker{};
  /// Where it listens unless it is told; nothing: it listens nowhere that could be chosen.
  std::optional<uint16_t> port{};
  /// Whether it starts as many workers as it is told.
  bool many = false;
};

/// What it was told.
struct Settings {
  std::string worker;
  uint16_t port = 0;
  unsigned count = 1;

  [[nodiscard]] baton::net::Endpoint endpoint() const { return {"127.0.0.1", port}; }
};

/// Every primary begins so.
int run_primary(int argc, char** argv, const About& about,
                baton::Task<> (*primary)(baton::Process&, const Settings&));

/// Every worker begins so: without a parent there is nothing to do.
int run_worker(int argc, char** argv, const About& about, baton::Task<> (*worker)(baton::Process&));

/// Prints a line, ended or not, that a reader at the other end of a pipe gets at once.
void say(const std::string& line);

/// Waits until somebody asks this process to end: SIGTERM, or Ctrl-C.
baton::Task<> asked_to_end(baton::Process& self);

}  // namespace notes
