#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "process/program.h"

namespace baton::test {

/// supervisor_host, and what it has said so far.
class Host {
 public:
  /// `options` are those of supervisor_host; the rest is the program that it runs.
  Host(std::vector<std::string> options, const std::vector<std::string>& program,
       const StartOptions& how = StartOptions());
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  /// Kills the workers if it still runs.
  ~Host();

  /// Runs a script of the shell in each worker, which counts as ready once it has lived for 1 ms.
  static std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }
  static std::vector<std::string> ready_when_alive() {
    return {"--listen", "0", "--min-uptime", "1", "--kill-timeout", "60000"};
  }

  void say(std::string_view order) { program.say(order); }
  /// The first line that contains `part` and was not returned before; waits for it. "" and a failure if there
  /// is none.
  std::string until(std::string_view part);
  /// What follows `mark` in such a line, as a number.
  pid_t number_after(std::string_view mark);
  /// Waits for its end; "exit 0" is EndReason::stopped.
  std::string end();
  /// How many lines so far contain `part`.
  [[nodiscard]] size_t count(std::string_view part) const;

  Program program;

 private:
  std::vector<std::string> seen_;
  std::vector<bool> returned_;
  bool ended_ = false;
};

/// A script for Node, beside whatever files it reads, gone with the test.
class Script {
 public:
  explicit Script(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "baton-supervisor-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("app.js", text);
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }
  [[nodiscard]] std::string path() const { return folder_ + "/app.js"; }

 private:
  std::string folder_;
};

/// Waits until the process is gone or a zombie.
void expect_end_of(pid_t pid);
/// Whether it lives.
bool lives(pid_t pid);

}  // namespace baton::test
