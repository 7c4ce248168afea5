#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "baton/cluster/listen_rule.h"
#include "baton/cluster/policy.h"
#include "baton/net/endpoint.h"
#include "cli/address.h"
#include "cli/env_file.h"
#include "cli/listen_option.h"
#include "cli/ready_option.h"

namespace baton::cli {

// What `baton run` was told; the defaults are those of --help.
struct RunOptions {
  using Time = std::chrono::milliseconds;

  unsigned workers = 1;
  cluster::Policy policy;
  std::string name;
  std::string cwd;
  Variables variables;  // of the env files, then of --env: a later one wins
  std::vector<supervisor::ListenSocket> listen;
  std::vector<cluster::ListenRule> allow_listen;  // empty: what PrimaryOptions says
  std::optional<net::Endpoint> admin;

  ReadyOption ready;
  supervisor::Restart restart = supervisor::Restart::always;
  supervisor::Reload reload = supervisor::Reload::automatic;
  Time grace = std::chrono::seconds(5);
  Time listen_timeout = std::chrono::seconds(10);
  // What is left of 8 s after the drain delay, but not too little: whoever stops us often waits for 10.
  Time kill_timeout = std::chrono::seconds(8);
  Time drain_delay{0};
  std::optional<int> stop_signal;

  Time min_uptime = std::chrono::seconds(1);
  std::pair<Time, Time> backoff = {std::chrono::milliseconds(100), std::chrono::seconds(30)};
  unsigned max_restarts = 10;
  std::optional<Time> hang_timeout;
  std::optional<std::uint64_t> max_memory;

  bool keep_orphans = false;  // what lives when this process is killed for good

  std::string interpreter;      // empty: node, for scripts
  std::string primary;          // a script for Node beside the workers; empty: none
  std::optional<bool> channel;  // nothing: as the program is
  bool stdin_pipe = false;      // else /dev/null
  bool preload = true;
  bool json_logs = false;

  std::vector<std::string> program;  // and its arguments
  std::string hint;                  // what may be a mistake; else empty
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
