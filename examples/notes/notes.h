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
/// 程序用 --help 介绍自己时说的话，以及它接受的参数。
struct About {
  std::string name;
  /// What it does, in English and in Chinese.  用途，英文和中文。
  std::string does, zh;
  /// The worker beside it; a worker has none.  与它配套的工作进程；工作进程自己没有。
  std::string worker{};
  /// Where it listens unless it is told; nothing: it listens nowhere that could be chosen.
  /// 没有指定时监听的端口；空：没有可选的端口。
  std::optional<uint16_t> port{};
  /// Whether it starts as many workers as it is told.  工作进程的数量是否可以指定。
  bool many = false;
};

/// What it was told.  启动时得到的设置。
struct Settings {
  std::string worker;
  uint16_t port = 0;
  unsigned count = 1;

  [[nodiscard]] baton::net::Endpoint endpoint() const { return {"127.0.0.1", port}; }
};

/// Every primary begins so.  每个主进程都这样开始。
int run_primary(int argc, char** argv, const About& about,
                baton::Task<> (*primary)(baton::Process&, const Settings&));

/// Every worker begins so: without a parent there is nothing to do.
/// 每个工作进程都这样开始：没有父进程就无事可做。
int run_worker(int argc, char** argv, const About& about, baton::Task<> (*worker)(baton::Process&));

/// Prints a line, ended or not, that a reader at the other end of a pipe gets at once.
/// 打印一行，不论有没有换行符；管道另一端的读者立刻就能读到。
void say(const std::string& line);

/// Waits until somebody asks this process to end: SIGTERM, or Ctrl-C.
/// 等到有人要求本进程结束：SIGTERM 或 Ctrl-C。
baton::Task<> asked_to_end(baton::Process& self);

}  // namespace notes
