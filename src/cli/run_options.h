#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "baton/cluster/policy.h"
#include "baton/net/endpoint.h"
#include "cli/address.h"
#include "cli/env_file.h"

namespace baton::cli {

// What `baton run` was told; the defaults are those of --help.
struct RunOptions {
  using Time = std::chrono::milliseconds;

  unsigned workers = 1;
  cluster::Policy policy;
  std::string name;
  std::string cwd;
  Variables variables;  // of the env files, then of --env: a later one wins
  std::vector<NamedAddress> listen;
  std::optional<net::Endpoint> admin;

  bool ready_notify = false;
  Time grace = std::chrono::seconds(5);
  Time listen_timeout = std::chrono::seconds(10);
  Time kill_timeout = std::chrono::seconds(10);
  Time drain_delay{0};
  std::optional<int> stop_signal;

  Time min_uptime = std::chrono::seconds(1);
  std::pair<Time, Time> backoff = {std::chrono::milliseconds(100), std::chrono::seconds(30)};
  unsigned max_restarts = 10;
  std::optional<Time> hang_timeout;
  std::optional<std::uint64_t> max_memory;

  std::string interpreter;  // empty: node, for scripts
  bool preload = true;
  bool json_logs = false;

  std::vector<std::string> program;  // and its arguments
};

// A command line that means nothing: one line that says why.
class UsageError : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// What stands after `baton run`; nothing if help was asked for. Everything after the program's name is the
// program's. Throws UsageError.
[[nodiscard]] std::optional<RunOptions> parse_run(const std::vector<std::string>& arguments);

// The names of all options, for the test that --help has them.
[[nodiscard]] std::vector<std::string> run_option_names();

}  // namespace baton::cli
