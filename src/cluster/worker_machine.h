#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fifo.h"
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
    // when the program has been told (Node: at 'listening').
    emulate,
    // Listen on `handle` for `server`: a socket that is bound, or listens already (`type` says dgram.Native
    // for UDP). If `port` is over 0 and the socket has another: close it and feed listen_failed(EADDRINUSE).
    // Then feed listening() or listen_failed(). One accept a wake-up.
    adopt,
    // `server` will not listen: `error`. The last that is heard of it.
    failed,
    // `handle` is a connection of `server`: it may be read from now on. Feed connection_closed() when it has
    // closed.
    deliver,
    // Close `handle`, unserved.
    close_handle,
    // The primary wants us to leave: close `server` as if the program had. The machine knows already; its
    // connections go on, and connection_closed() is waited for.
    close_server,
    // channel.disconnect().
    end_channel,
    // The channel has ended. `agreed`: this worker was told to leave, or has said so; the program goes on
    // until its work is done. Not agreed: Node ends the process with 0, and so must the driver.
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
  /// It ends as soon as the primary knows that this is meant, whatever is open (cluster.worker.kill()). A
  /// primary of Node would die if it could not answer.
  void kill();
  /// The channel has ended, and all that came before was fed in.
  void channel_ended();

  // Actions.

  [[nodiscard]] std::optional<WorkerAction> next_action();
  [[nodiscard]] std::optional<uint64_t> next_deadline() const;

  // State.

  /// Node's cluster.worker.exitedAfterDisconnect.
  [[nodiscard]] bool leaving() const noexcept { return leaving_; }
  /// Open now, over all servers, closed ones too.
  [[nodiscard]] uint64_t connections() const noexcept { return open_; }

 private:
  struct Server {
    wire::ListenQuery query{};
    std::string place{};  // what its index counts in
    Value key{};
    bool indexed = false;
    bool keyed = false;   // the primary has answered
    bool closed = false;  // and only connections are left, or the answer
    unsigned lost = 0;    // answers whose handle did not arrive
    uint64_t open = 0;
    std::optional<uint64_t> most{};
  };
  using Servers = std::map<ServerId, Server>;
  struct Pending {
    uint64_t token;  // 0: the answer is still to be sent
    ServerId server;
    HandleId handle;
  };

  void on_reply(wire::PrimaryMessage& message, std::optional<HandleId> handle);
  void on_listener(Servers::iterator server, wire::PrimaryMessage& message, std::optional<HandleId> handle);
  void on_connection(const wire::PrimaryMessage& message, std::optional<HandleId> handle);
  void answer(uint64_t seq, bool accepted);
  void refuse(uint64_t seq);
  [[nodiscard]] bool was_refused(uint64_t seq) const;
  void send_answers();
  void leave(bool told);
  void leave_if_done();
  void forget(Servers::iterator server);
  void leave_place(Server& server);
  void forget_if_done(Servers::iterator server);
  void fail(Servers::iterator server, int error);
  void release_key(const Value& key);
  void close_handle(std::optional<HandleId> handle);
  void closed_one(ServerId server);
  void report_load();
  [[nodiscard]] Servers::iterator server_of(const Value& key);

  uint64_t send(wire::WorkerMessage message, bool settled = false);
  WorkerAction& act(WorkerAction::Kind kind);
  void report(const Error& error);
  void unexpected(std::string_view what);

  WorkerLimits limits_;
  uint64_t now_ = 0;
  uint64_t seq_ = 0;
  uint64_t token_ = 0;
  Servers servers_;
  std::map<uint64_t, ServerId> queries_;                        // by the seq of the question
  std::map<std::string, std::pair<uint64_t, size_t>> indices_;  // by place: the next index, how many are open
  std::deque<Pending> pending_;
  std::vector<uint64_t> accepted_;  // answers for the next batch
  std::vector<uint64_t> refused_;
  std::deque<uint64_t> refusals_;     // remembered, as they may be sent again
  std::optional<uint64_t> farewell_;  // the seq of exitedAfterDisconnect
  uint64_t open_ = 0;
  bool started_ = false;
  bool primary_is_baton_ = false;
  bool leaving_ = false;
  bool told_ = false;  // by the primary
  bool done_ = false;  // end_channel was said
  bool ended_ = false;

  bool load_due_ = false;
  double lag_ = 0;
  uint64_t sent_open_ = 0;
  double sent_lag_ = 0;
  uint64_t load_at_ = 0;  // when it was last sent

  Fifo<WorkerAction> actions_;
};

}  // namespace baton::cluster
