#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "baton/baton.h"

// The parents and the children of Node's own tests, in C++; family.js is the same by Node: `family ACT
// [ARG...]`. The act of a parent is told the module of its child first: this program, or that file.
namespace baton::family {

using Parent = Task<> (*)(Process&);
using Child = void (*)(Process&);

extern const std::map<std::string, Parent> parents_of_programs;
extern const std::map<std::string, Parent> parents_with_channels;
extern const std::map<std::string, Child> children;

inline void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// Starts the module that the act was told as its `place`th argument.
baton::Child start(Process& self, std::vector<std::string> rest, const SpawnOptions& options,
                   std::size_t place = 1);
/// The same with a channel.
ForkedChild& fork(Process& self, std::vector<std::string> rest, const ForkOptions& options = ForkOptions());
/// Input of nothing, output to us.
inline SpawnOptions output() { return SpawnOptions().stdio(0, Stdio::ignore()).stdio(2, Stdio::inherit()); }
inline SpawnOptions all(const Stdio& streams) { return SpawnOptions().stdio(streams); }

/// What a child prints and complains of, and how it ends.
class Story {
 public:
  Story(Loop& loop, baton::Child& child) : closed_(loop) {
    read(child);
    child.on_close([this](const ExitStatus& ended) { end(ended); });
  }
  Story(Loop& loop, ForkedChild& child) : closed_(loop) {
    read(child.process());
    child.on_close([this](const ExitStatus& ended) { end(ended); });
  }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  Op<> closed() { return closed_.op(); }
  [[nodiscard]] std::string how() const { return status.describe(); }
  std::string out, err;
  ExitStatus status;

 private:
  void read(baton::Child& child) {
    if (child.piped(1)) child.stdout_stream().on_data([this](std::string_view bytes) { out += bytes; });
    if (child.piped(2)) child.stderr_stream().on_data([this](std::string_view bytes) { err += bytes; });
  }
  void end(const ExitStatus& ended) {
    status = ended;
    closed_.resolve({});
  }
  Promise<> closed_;
};

/// Speaks to a channel that is closed.
Task<> speak_late(Process& self, Channel& channel, std::string who);

/// Fifty handles each way at once.
class Exchange {
 public:
  Exchange(Loop& loop, Channel& channel);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  /// Both ends have all.
  Op<> over() { return over_.op(); }
  /// Any other message.
  std::function<void(const Value&)> other;

 private:
  void on_message(const Message& message);

  Channel& channel_;
  Promise<> over_;
  int taken_ = 0;
  bool other_has_all_ = false;
};

}  // namespace baton::family
