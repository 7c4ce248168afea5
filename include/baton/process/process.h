#pragma once

#include <concepts>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/loop/loop.h"
#include "baton/loop/task.h"
#include "baton/process/forked_child.h"

namespace baton {

class Process;

/// A function that a process of this program may begin with: `void(Process&)` or `Task<>(Process&)`. With
/// `int(Process&)` or `Task<int>(Process&)` what it returns is the exit code once nothing is left to do, as
/// Node's `process.exitCode`; `Process::exit` does not wait.
class Entry {
 public:
  /// `function` is called as function(process) when the entry begins.
  template <class F>
    requires std::invocable<F&, Process&>
  Entry(std::string name, F function) : name_(std::move(name)) {  // NOLINT(google-explicit-constructor)
    using Returned = std::invoke_result_t<F&, Process&>;
    constexpr bool task = std::same_as<Returned, Task<>> || std::same_as<Returned, Task<int>>;
    static_assert(task || !detail::coroutine<Returned>,
                  "an entry returns nothing, int, Task<> or Task<int>: any other coroutine would never run");
    if constexpr (task || std::same_as<Returned, int>) {
      begin_ = [function = std::move(function)](Process& self) mutable { follow(self, function(self)); };
    } else {
      begin_ = std::move(function);
    }
  }
  /// What it is called.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Calls its function.
  void begin(Process& self) const { begin_(self); }

 private:
  static void follow(Process& self, Task<> task);
  static void follow(Process& self, Task<int> task);
  static void follow(Process& self, int exit_code);
  std::string name_;
  std::function<void(Process&)> begin_;
};

/// This process: its loop, its arguments, the children it forked, and its end of the channel to its parent,
/// if it has one. Mirrors Node's `process`. Made by `run`.
class Process {
 public:
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Stops the children that still live, in the background of the loop.
  ~Process();

  /// The loop that everything of this process lives on.
  [[nodiscard]] Loop& loop() noexcept { return loop_; }
  /// The arguments after the program's name.
  [[nodiscard]] const std::vector<std::string>& args() const noexcept { return args_; }

  /// Starts a child with a channel. `module` is the name of an entry of this program (it is executed anew
  /// through /proc/self/exe), another executable (the name has a '/'), or a script for Node (it ends in .js,
  /// .mjs or .cjs, or in .ts, .mts or .cts, which Node 22.18 and newer run). An unknown entry throws
  /// std::invalid_argument with the names there are; a failure throws Error. The channel is the child's
  /// descriptor 3 unless the options say otherwise, told as Node tells its children. Mirrors
  /// `child_process.fork`.
  ForkedChild& fork(const std::string& module, const ForkOptions& options = ForkOptions());
  /// The children that have not closed yet.
  [[nodiscard]] size_t children() const noexcept { return children_.size(); }

  /// Whether this process was started with a usable channel.
  [[nodiscard]] bool has_parent() const noexcept { return static_cast<bool>(parent_); }
  /// The channel to the parent. Throws Error that says why there is none. It keeps the loop running only
  /// while somebody listens to it, as Node's does.
  [[nodiscard]] Channel& parent();
  /// The number that the primary of a cluster gave this process (NODE_UNIQUE_ID), if one started it.
  [[nodiscard]] std::optional<unsigned> worker_id() const noexcept { return worker_id_; }

  /// Ends the process with `code`: once everything that was sent to the parent is in the kernel, `run` stops
  /// the children that still live and returns.
  void exit(int code);

 private:
  friend class Entry;
  friend int run(int argc, char** argv, std::vector<Entry> entries);
  Process(Loop& loop, std::vector<std::string> args, const std::vector<Entry>& entries);

  Loop& loop_;
  std::vector<std::string> args_;
  const std::vector<Entry>& entries_;
  Channel parent_;
  std::string no_parent_;
  std::optional<unsigned> worker_id_;
  std::list<std::shared_ptr<ForkedChild>> children_;
  std::deque<std::shared_ptr<ForkedChild>> ended_;  // for who has kept a reference
  int exit_code_ = 0;
  bool exiting_ = false;
};

/// The main function of a Baton program: makes the loop, begins with the entry that a parent of the same
/// program asked for (else with the first one), and runs until nothing is left to do and every child is gone.
/// Returns the exit code; an exception that leaves a callback or task is one line on standard error and 1,
/// and a parent that is a Baton learns its message. SIGPIPE and SIGXFSZ are ignored from here on, as in Node;
/// children get their default back.
[[nodiscard]] int run(int argc, char** argv, std::vector<Entry> entries);

/// How many workers can run at once: what the affinity mask and the cgroup's CPU quota allow, at least 1.
/// Mirrors `os.availableParallelism`.
[[nodiscard]] unsigned available_parallelism();

}  // namespace baton
