#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "baton/cluster/worker.h"
#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "cluster/listener_socket.h"
#include "cluster/worker_machine.h"
#include "loop/slot.h"

namespace baton::cluster {

/// One listener of a worker, whoever accepts: the primary, or this process from a socket that it has. It
/// lives as long as its handle and its connections do.
struct Listener::State : std::enable_shared_from_this<State> {
  /// `number`: the machine's; 0 for an exclusive one, which it does not know.
  State(Loop& owner, std::weak_ptr<Worker::State> user, ServerId number, const ListenOptions& given)
      : loop(owner), worker(std::move(user)), id(number), options(given) {}

  /// The primary accepts; what it hands over comes by `take`.
  void accept_from_primary();
  /// Accepts from this socket, as soon as somebody takes the connections.
  void accept_from(net::Server listening);
  /// The same from a socket that nobody else has.
  Result<void> accept_from(ListenerSocket opened);
  /// A connection of it, be it handed over or accepted here.
  void take(net::Socket connection);
  void set(Serving<net::Socket> callback);
  /// Takes no more; does nothing the second time. When the worker closes it because it leaves, what was
  /// accepted before that still comes to the program.
  enum class By { program, worker };
  void close(By whom);
  /// Whether it keeps the loop running while it is open.
  void keep_loop(bool on);
  /// How many may be open; nothing: no limit.
  [[nodiscard]] std::optional<uint64_t> most() const;

  Loop& loop;
  const std::weak_ptr<Worker::State> worker;
  const ServerId id;
  const ListenOptions options;
  net::Endpoint local;
  uint32_t connections = 0;
  Slot<const Error&> on_error;

 private:
  void serve();
  void deliver_later();
  void deliver_waiting();
  void gone();
  [[nodiscard]] bool is_full() const {
    return options.max_connections() && connections >= *options.max_connections();
  }

  net::Server server_;
  std::optional<ListenerSocket> own_;
  Slot<net::Socket> on_connection_;
  std::deque<net::Socket> waiting_;
  Timer keeping_;  // the loop, while connections come by the channel, which may be unref'd
  bool keeps_loop_ = true;
  bool full_ = false;
  bool closed_ = false;
};

}  // namespace baton::cluster
