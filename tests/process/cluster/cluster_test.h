#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/either_end.h"
#include "process/program.h"

namespace baton::test {

/// A connection to 127.0.0.1, or to a Unix-domain socket, as a client has it.
class Client {
 public:
  explicit Client(uint16_t port);
  explicit Client(const std::string& path);
  /// Of [::1].
  [[nodiscard]] static Client of_ipv6(uint16_t port);

  void send(std::string_view bytes) const;
  /// A GET on a connection that stays, or with `Connection: close`.
  void get(std::string_view target = "/", std::string_view headers = "") const;
  /// What comes until `end` has come with it; fails the test if it does not.
  std::string until(std::string_view end);
  /// The body of one answer to `get`, whose head goes to `head`.
  std::string answer();
  /// What comes until the server is done.
  std::string rest();
  /// Whether something is to be read within so many milliseconds.
  [[nodiscard]] bool readable(int milliseconds) const;
  void close() { socket_.reset(); }
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  std::string head;

 private:
  explicit Client(Fd socket) : socket_(std::move(socket)) {}
  std::string partial_;
  Fd socket_;
};

/// A primary in a process of its own, and its workers.
class Cluster : public ProcessTest {
 protected:
  /// Starts the primary, with no worker yet.
  void start(const std::vector<std::string>& arguments = {}, const StartOptions& options = StartOptions());
  /// Ends it by asking every worker to leave; all must do so, and nothing was reported but what begins so.
  void stop(std::string_view reports = "nothing");
  void TearDown() override;

  /// Forks a worker and waits until it runs; its id. `verb`: what to say to the primary for it.
  unsigned fork(unsigned slot = 0) { return fork_by("fork " + std::to_string(slot)); }
  unsigned fork_by(const std::string& verb);
  void tell(unsigned worker, const std::string& json) {
    primary.say("tell " + std::to_string(worker) + " " + json);
  }
  /// Asks for the state of a worker until the primary knows of none: it has closed.
  void expect_that_it_is_gone(unsigned worker);
  /// Passes over what the primary prints until this line.
  void expect(const std::string& line);
  /// Until a line that begins so; what follows there.
  std::string expect_rest(const std::string& beginning);
  /// `count` workers that serve HTTP on one port, which is chosen; fills `workers` and `port`.
  void serve(unsigned count, const std::string& more = "");
  /// Has one worker do this and returns the port that it names, 0 if none.
  uint16_t order(unsigned worker, const std::string& json);
  [[nodiscard]] pid_t pid_of(unsigned worker);
  /// The pid that one request on a connection of its own gets.
  pid_t ask() const;
  /// How many of so many requests, each on a connection of its own, each worker answers.
  [[nodiscard]] std::map<pid_t, int> ask_many(int requests) const;
  /// The pid that a connection to a worker that holds it gets.
  [[nodiscard]] static pid_t greeted(uint16_t where) { return std::atoi(Client(where).until("\n").c_str()); }

  Program primary;
  std::vector<unsigned> workers;
  uint16_t port = 0;

 private:
  unsigned last_worker_ = 0;
};

/// A cluster that speaks JSON, or the advanced serialization.
class ClusterOfEither : public Cluster, public testing::WithParamInterface<std::string> {
 protected:
  void start(std::vector<std::string> arguments = {}, const StartOptions& options = StartOptions()) {
    arguments.insert(arguments.begin(), {"--serialization", GetParam()});
    Cluster::start(arguments, options);
  }
};
/// For INSTANTIATE_TEST_SUITE_P.
inline auto either_serialization() { return testing::Values("json", "advanced"); }
inline std::string name_of_serialization(const testing::TestParamInfo<std::string>& test) {
  return test.param;
}

/// Whether nobody listens on that port of 127.0.0.1.
bool refuses(uint16_t port);

/// How much processor time the process has used, in milliseconds.
long cpu_milliseconds(pid_t pid);

}  // namespace baton::test
