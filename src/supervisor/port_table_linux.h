#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "baton/base/error.h"
#include "baton/net/endpoint.h"
#include "spawn/process_table_linux.h"

namespace baton::supervisor {

/// A listening socket, of TCP or with a path, as the kernel shows it.
struct ListeningPort {
  std::string address;  ///< "0.0.0.0:80", "[::]:80", "unix:/path"
  uint16_t port = 0;
  uint64_t socket = 0;  ///< the kernel's number of it
  bool loopback = false;
  /// Its port is not one of those that the kernel gives to who asks for any.
  bool chosen = true;
};

using WantedPort = std::function<bool(const ListeningPort&)>;
/// Those of them that process `pid` can see and that are wanted, all without `wanted`; of TCP as far as they
/// fit into 1 MiB of a table, which they stand in front of.
[[nodiscard]] std::vector<ListeningPort> listening_ports(pid_t pid, const WantedPort& wanted = nullptr);
/// Those of a text of /proc/net/unix, for where the kernel's diagnosis does not tell of them. Names stand
/// there as they are, with newlines, so that anybody may forge lines: what stands on two is not believed.
[[nodiscard]] std::vector<ListeningPort> unix_ports_in(const std::string& table);

/// The processes of this moment, to see where workers listen by themselves.
class PortLook {
 public:
  PortLook();
  static constexpr std::size_t most_ports = 16;
  /// Where a worker and its descendants listen on sockets that this process does not hold: the first of them,
  /// among the first thousand of their descriptors. Nowhere, where /proc does not say.
  [[nodiscard]] std::vector<ListeningPort> own_ports_of(pid_t worker) const;

 private:
  std::vector<spawner::ProcessEntry> processes_;
  std::set<uint64_t> ours_;
};

/// What a failure to listen at `endpoint` says, and if it is taken, who has it: "listen 0.0.0.0:80: bind:
/// address already in use; held by process 812 (node app.js), left by a baton that has ended (pid 790): `kill
/// 812` frees it".
[[nodiscard]] std::string with_holder(const Error& error, const net::Endpoint& endpoint);
/// The same for a loop that has nothing else to do yet: where it takes too long, nobody is named.
[[nodiscard]] std::string with_holder_in_time(const Error& error, const net::Endpoint& endpoint);

}  // namespace baton::supervisor
