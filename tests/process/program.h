#pragma once

#include <signal.h>
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "support/programs.h"

namespace baton::test {

/// How a program is started beside its arguments.
class StartOptions {
 public:
  /// The program gets a copy of `ours` as `number`, also in place of a standard stream.
  StartOptions& descriptor(int number, int ours) { return descriptors_[number] = ours, *this; }
  StartOptions& variable(std::string name, std::string value) {
    return variables_.emplace_back(std::move(name), std::move(value)), *this;
  }
  /// Another program starts it: that one's path and its arguments before the path of the program.
  StartOptions& through(std::vector<std::string> command) { return through_ = std::move(command), *this; }
  [[nodiscard]] const std::vector<std::string>& through() const { return through_; }
  [[nodiscard]] const std::map<int, int>& descriptors() const { return descriptors_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& variables() const {
    return variables_;
  }

 private:
  std::map<int, int> descriptors_;
  std::vector<std::pair<std::string, std::string>> variables_;
  std::vector<std::string> through_;
};

/// The lines that come out of a pipe.
class Lines {
 public:
  Lines() = default;
  explicit Lines(Fd pipe) : pipe_(std::move(pipe)) {}
  /// The next line without its LF; nothing at the end. Fails the test if nothing comes for too long.
  std::optional<std::string> next();
  /// All that still comes.
  std::vector<std::string> rest();

 private:
  Fd pipe_;
  std::string partial_;
  size_t searched_ = 0;
};

/// A program as its user sees it: pipes to it and from it, its end, what the kernel knows of it. Started
/// without the library under test. It is killed and collected when this is destroyed.
class Program {
 public:
  Program() = default;
  Program(const std::string& path, const std::vector<std::string>& arguments,
          const StartOptions& options = StartOptions());
  Program(Program&& other) noexcept { *this = std::move(other); }
  Program& operator=(Program&& other) noexcept;
  ~Program();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Writes a line to its standard input.
  void say(std::string_view line) { say_bytes(std::string(line) + "\n"); }
  void say_bytes(std::string_view bytes);
  void close_input() { input_.reset(); }
  Lines output;
  Lines errors;

  void signal(int number) const { ::kill(pid_, number); }
  /// Waits for its end: "exit 0", or "signal 9".
  std::string end();

  /// What its descriptors are, without their numbers: "socket:[123]", sorted.
  [[nodiscard]] std::vector<std::string> descriptors() const;
  /// The largest resident set that it ever had, in bytes; known at its end.
  [[nodiscard]] size_t peak_memory() const { return peak_memory_; }

 private:
  pid_t pid_ = -1;
  size_t peak_memory_ = 0;
  Fd input_;
};

/// "exit 0" or "signal 9" of a child of this process, which it waits for and collects.
std::string collect(pid_t pid, size_t* peak_memory = nullptr);

}  // namespace baton::test
