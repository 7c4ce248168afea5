#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "baton/base/fd.h"
#include "chaos/worker.h"

namespace baton::chaos {

/// How many rolling reloads there were.
struct Reloads {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
};

/// What a storm goes over: a primary that was started with a command line, and its workers. Everything that
/// it and they say goes into a log file.
class Service {
 public:
  /// Starts it and waits for its line `listening on ADDRESS (N workers)`. Throws what went wrong; the log's
  /// path is in it. `admin`: the socket of the admin endpoint that the command line names; empty: none.
  Service(std::vector<std::string> command, std::filesystem::path log, std::string admin);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  /// Kills what is left.
  ~Service();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::filesystem::path& log() const { return log_; }
  /// The workers that live now; who watches over them is none.
  [[nodiscard]] std::vector<Worker> workers() const;
  /// The memory that the primary and its children share with nobody.
  [[nodiscard]] std::uint64_t private_bytes() const;
  void signal(int number) const;
  /// Asks the admin endpoint; a primary without one has said `reload done` and `reload failed`.
  [[nodiscard]] Reloads reloads();
  /// Copies what was said into the log.
  void listen_to_it();
  /// Whether the primary still runs.
  [[nodiscard]] bool alive();
  /// SIGTERM; waits for the end. "exit 0", "signal 9"; "not in time" after 30 s, when it is killed.
  std::string stop();

 private:
  void kill();
  void start(std::vector<std::string> command);
  void wait_until_it_listens();
  void heard(const std::string& line);
  bool wait_for_end(int milliseconds);

  std::filesystem::path log_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log_file_;
  std::string admin_;
  pid_t pid_ = -1;
  Fd end_;  // a pidfd
  Fd said_;
  std::string partial_;
  std::uint16_t port_ = 0;
  Reloads said_reloads_;
  std::string status_;
};

}  // namespace baton::chaos
