#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/wire/value.h"
#include "process/program.h"
#include "support/leak_check.h"

namespace baton::test {

using Words = std::vector<std::string>;

/// Where a service is asked: a port of 127.0.0.1 (or of ::1), or a Unix-domain socket.
class Place {
 public:
  Place(uint16_t port, bool six = false) : port_(port), six_(six) {}  // NOLINT(google-explicit-constructor)
  Place(std::string path) : path_(std::move(path)) {}                 // NOLINT(google-explicit-constructor)
  /// A connection; a failure fails the test.
  [[nodiscard]] Fd connect() const;
  /// Whether somebody takes connections there by now.
  [[nodiscard]] bool is_open() const;

 private:
  [[nodiscard]] Fd try_to_connect() const;

  std::string path_;
  uint16_t port_ = 0;
  bool six_ = false;
};

/// The whole answer to a GET on a connection of its own, head included; empty if the service does not answer.
std::string ask(const Place& place, const std::string& target = "/", const std::string& method = "GET");
/// Writes all, and reads until the end, or until what was read ends with `last`.
void write_all(const Fd& connection, std::string_view bytes);
std::string read_until(const Fd& connection, std::string_view last = "");
/// What follows the head.
std::string body_of(const std::string& answer);

/// `baton run`, as its user sees it, with a folder for the programs that it runs. Nothing may be left when a
/// test is over: no process, however deep, no file of Baton's, no descriptor.
class BatonRun : public LeakFree {
 protected:
  BatonRun();
  ~BatonRun() override;
  void TearDown() override;

  /// Writes a file into the folder; returns its path.
  std::string file(const std::string& name, std::string_view text, unsigned mode = 0644) const;
  /// A Node program that serves on a free port and answers with its pid, with more lines before.
  [[nodiscard]] std::string node_server(std::string_view before = "") const;
  /// Skips the test unless there is such a program.
  static bool has(const std::string& program);

  void start(const Words& arguments, const StartOptions& options = StartOptions());
  /// Starts it and waits for its line about a listener; returns where that is.
  std::string start_listening(const Words& arguments, const StartOptions& options = StartOptions());
  /// Waits for a line of Baton's own, or of a worker's standard error, with these words in it; returns it.
  std::string told(std::string_view words);
  /// The same for standard output.
  std::string printed(std::string_view words);
  /// Waits for its end, and checks that it has left no process behind: "exit 0".
  std::string end();
  std::string end(int signal);
  /// Starts it and waits for its end; the lines of standard error are in `lines` then.
  std::string play(const Words& arguments, const StartOptions& options = StartOptions());

  static uint16_t port_of(const std::string& address);
  /// /status of `admin_place`, and the pids in it.
  [[nodiscard]] Value status() const;
  [[nodiscard]] std::vector<pid_t> workers() const;
  /// Asks again and again until `condition` holds of /status.
  template <class Condition>
  Value status_when(Condition condition) const {
    Value value = status();
    while (!condition(value)) value = status();
    return value;
  }
  /// The options for an admin endpoint in the folder.
  [[nodiscard]] Words admin() const { return {"--admin", "unix:" + folder + "/admin"}; }

  std::string folder;
  Words always;  // options of each run
  Program program;
  Words lines;

 private:
  void expect_nobody_left();
};

Words operator+(Words left, const Words& right);

}  // namespace baton::test
