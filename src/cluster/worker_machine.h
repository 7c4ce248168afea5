#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "baton/base/error.h"
#include "baton/wire/value.h"
#include "wire/cluster_message.h"
#include "wire/handoff_ledger.h"

namespace baton::cluster {

using ServerId = uint32_t;  // the driver's choice, never used again
using wire::HandleId;

struct WorkerLimits {
  size_t servers = 256;
  unsigned load_pause = 20;  // ms between two reports of load
  unsigned lag_pause = 500;  // ms between two that only tell of lag
  size_t remembered = 256;   // refused hand-offs that may be sent again
  wire::ClusterMessageLimits message{};
};

/// What the driver has to do. Take actions after every event until there are none.
struct WorkerAction {
  enum class Kind {
    // channel.send(message). `token` not 0: feed in_kernel(token) once the message is in the kernel; nothing
    // if that fails.
    send,
    // The primary accepts for `server`: it listens, at `sockname` (none for a Unix path). Feed listening()
    // when the program
    // has been told (Node: at 'listening').
    emulate,
    // Listen on `handle` for `server`: a socket that is bound, or listens already (its type says dgram.Native
    // for
    // UDP). If `port` is over 0 and the socket has another: close it and feed listen_failed(EADDRINUSE). Then
    // feed listening() or listen_failed(). One accept a wake-up.
    adopt,
    // `server` will not listen: `error`. The last that is heard of it.
    failed,
    // `handle` is a connection of `server`: it may be read from now on. Feed connection_closed() when it has
    // closed.
    deliver,
    // Close `handle`, unserved.
    close_handle,
    // The primary wants us to leave: close `server` as if the program had. The machine knows already;
    // connections of it go
    // on, and their connection_closed() is waited for.
    close_server,
    // channel.disconnect().
    end_channel,
    // The channel has ended. `agreed`: this worker was told to leave, or has said so; the program goes on
    // until
    // its work is done. Not agreed: Node ends the process with 0, and so must the driver.
    ended,
    report,  // `error`
  };
  Kind kind;
  ServerId server = 0;
  HandleId handle = 0;
  uint64_t token = 0;
  int64_t port = 0;
  bool agreed = false;
  std::string type{};  // net.Native or dgram.Native
  Value message{};
  std::optional<wire::Sockname> sockname{};
  std::optional<Error> error{};
};

/// A worker of Node's cluster, under a Node or a Baton primary, as a state machine without descriptor, clock
/// or channel.
///
/// A connection is delivered to the program only when the `accepted:true` for it is in the kernel: until then
/// the primary may give it to another, and from then on it may not.
class WorkerMachine {
 public:
  explicit WorkerMachine(WorkerLimits limits = {});

  // Events.

  /// What time it is, in milliseconds. To be said before any other event of a wake-up, and at
  /// next_deadline().
  void time(uint64_t now);
  /// The first event: says online.
  void start();
  /// The primary's channel has said that it is Baton.
  void primary_is_baton();
  /// The program listens; `query.index` is ours to fill in. An answer will be emulate, adopt or failed.
  void listen(ServerId server, wire::ListenQuery query);
  /// `server` listens, on that port (-1: a Unix path).
  void listening(ServerId server, int64_t port);
  /// A positive errno.
  void listen_failed(ServerId server, int error);
  /// The program has closed it. Its connections go on.
  void close(ServerId server);
  /// Node's server.maxConnections; nothing: no limit.
  void max_connections(ServerId server, std::optional<uint64_t> most);
  /// A connection that the worker itself accepted from an adopted socket.
  void connection_opened(ServerId server);
  /// A connection, delivered or opened, is closed.
  void connection_closed(ServerId server);
  /// How late the loop was, in ms.
  void lag(double milliseconds);
  /// An internal message of the primary (is_cluster_message), with the handle that it brought.
  void message(const Value& message, std::optional<HandleId> handle);
  /// The channel could not take the handle of this message, for want of descriptors (and has answered NACK).
  void handle_lost(const Value& message);
  /// All messages of one read are fed in: answers go out together.
  void read_done();
  void in_kernel(uint64_t token);
  /// The program wants to leave (Node's cluster.worker.disconnect()).
  void disconnect();
  /// The channel has ended, and all that came before was fed in.
  void channel_ended();

  // Actions.

  [[nodiscard]] std::optional<WorkerAction> next_action();
  [[nodiscard]] std::optional<uint64_t> next_deadline() const;

  // State.

  /// Node's cluster.worker.exitedAfterDisconnect.
  [[nodiscard]] bool leaving() const noexcept;
  /// Open now, over all servers, closed ones too.
  [[nodiscard]] uint64_t connections() const noexcept;
};

}  // namespace baton::cluster
