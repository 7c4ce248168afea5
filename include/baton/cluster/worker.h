#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "baton/http/server.h"
#include "baton/loop/op.h"
#include "baton/loop/serving.h"
#include "baton/net/endpoint.h"
#include "baton/net/socket.h"
#include "baton/net/udp.h"
#include "baton/process/process.h"

namespace baton::cluster {

/// Whether this process was started as a worker: by a Baton's `cluster::Primary`, by Node's cluster, or by
/// `baton run`. Mirrors `cluster.isWorker`.
[[nodiscard]] bool is_worker(const Process& process) noexcept;

/// Where a worker listens. What a port, an Endpoint or a path is turned into by itself.
class Where {
 public:
  /// Only a port: every address of the machine, as Node's `listen(port)`. 0: one that is free, the same for
  /// all workers.
  Where(uint16_t port) noexcept : port_(port) {}  // NOLINT(google-explicit-constructor)
  /// An IP address and a port, or the path of a Unix-domain socket (relative to this process's directory).
  Where(net::Endpoint endpoint)  // NOLINT(google-explicit-constructor)
      : port_(endpoint.port()), endpoint_(std::move(endpoint)) {}
  /// A listening or bound socket that the primary has as its descriptor of that number; Node's
  /// `listen({fd})`.
  [[nodiscard]] static Where descriptor_of_primary(int number) noexcept {
    Where where(0);
    where.descriptor_ = number;
    return where;
  }

  /// The port; 0 for a path and for one that is to be chosen.
  [[nodiscard]] uint16_t port() const noexcept { return port_; }
  /// The address or path; nothing for a port of every address.
  [[nodiscard]] const std::optional<net::Endpoint>& endpoint() const noexcept { return endpoint_; }
  /// -1 if it is none.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  uint16_t port_;
  int descriptor_ = -1;
  std::optional<net::Endpoint> endpoint_;
};

/// How a worker listens; mirrors the options of Node's `server.listen`. A class with setters, so that it may
/// stand inside a `co_await` expression.
class ListenOptions {
 public:
  /// How many connections wait in the kernel; 0, the default, is the primary's choice. The first worker's
  /// counts; where workers of Node's primary accept by themselves, the last one's, as Node has it.
  ListenOptions& backlog(int connections) { return backlog_ = connections, *this; }
  /// A listener of this worker alone, which the primary does not know of.
  ListenOptions& exclusive(bool on = true) { return exclusive_ = on, *this; }
  /// On "::" accept IPv6 only.
  ListenOptions& ipv6_only(bool on = true) { return ipv6_only_ = on, *this; }
  /// @{
  /// The socket file may be connected to by everybody.
  ListenOptions& readable_all(bool on = true) { return readable_all_ = on, *this; }
  ListenOptions& writable_all(bool on = true) { return writable_all_ = on, *this; }
  /// @}
  /// With so many connections open the worker takes no more: the primary gives them to others, or they wait.
  /// 0: it takes none. No limit by default. Mirrors `server.maxConnections`.
  ListenOptions& max_connections(uint32_t connections) { return max_connections_ = connections, *this; }

  /// @{
  /// What was set.
  [[nodiscard]] int backlog() const noexcept { return backlog_; }
  [[nodiscard]] bool exclusive() const noexcept { return exclusive_; }
  [[nodiscard]] bool ipv6_only() const noexcept { return ipv6_only_; }
  [[nodiscard]] bool readable_all() const noexcept { return readable_all_; }
  [[nodiscard]] bool writable_all() const noexcept { return writable_all_; }
  [[nodiscard]] std::optional<uint32_t> max_connections() const noexcept { return max_connections_; }
  /// @}

 private:
  int backlog_ = 0;
  std::optional<uint32_t> max_connections_;
  bool exclusive_ = false;
  bool ipv6_only_ = false;
  bool readable_all_ = false;
  bool writable_all_ = false;
};

/// A port or path that this worker gets connections from, whoever accepts them. Destroying it closes it; the
/// connections that it gave stay. It must not outlive its Worker's process, but may outlive the Worker.
class Listener {
 public:
  /// No listener: every call but assignment, destruction, `operator bool`, `close` and `connections` (0)
  /// throws std::logic_error.
  Listener() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  /// @}
  ~Listener();

  /// Whether there is a listener, open or closed.
  explicit operator bool() const noexcept;
  /// Each connection, after the primary was told that it has arrived. Setting it starts accepting: before, a
  /// connection that was handed over waits here. An exception that leaves it, or the task that it returns, is
  /// its connection's: see `Serving`.
  void on_connection(Serving<net::Socket> callback);
  /// An exception has ended what served a connection.
  void on_error(Handler<const Error&> callback);
  /// Where it is bound, with the port that was chosen; an empty endpoint if the primary does not say (paths).
  [[nodiscard]] net::Endpoint local() const;
  /// How many connections that it gave are open in this process.
  [[nodiscard]] uint32_t connections() const noexcept;
  /// Takes no more connections, and says so to the primary. Mirrors `server.close()`.
  void close();
  /// @{
  /// Whether it keeps `Loop::run` from returning while it is open; it does until `unref`, whoever accepts.
  /// Mirrors `server.ref()` and `server.unref()`.
  void ref();
  void unref();
  /// @}

 private:
  friend class Worker;
  struct State;
  [[nodiscard]] State& state() const;
  explicit Listener(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// How a worker behaves.
class WorkerSettings {
 public:
  /// How long an HTTP connection that has had an answer may be quiet once the worker was told to leave; then
  /// it is closed. 5 s.
  WorkerSettings& grace(std::chrono::milliseconds time) { return grace_ = time, *this; }
  /// What was set.
  [[nodiscard]] std::chrono::milliseconds grace() const noexcept { return grace_; }

 private:
  std::chrono::milliseconds grace_{5000};
};

/// This process as a worker of a cluster, whose primary is a Baton or a Node. Mirrors `cluster.worker` in a
/// worker.
///
///     baton::Task<> worker(baton::Process& self) {
///       baton::cluster::Worker cluster(self);
///       co_await cluster.serve(8080, [](auto& request, auto& response) { response.end("Hello\n"); });
///       co_await cluster.left();
///     }
///
/// It leaves by the book, when told to or by `disconnect`: it closes its listeners, so that nothing more is
/// handed to it; HTTP requests are answered with `Connection: close`; a connection that has had an answer is
/// closed once it was quiet for the grace; one whose first request has not come yet is waited for; other
/// connections until the program has closed them. Then the channel ends, and the process with it when it has
/// nothing left to do. A channel that ends without that ends the process with exit code 0, as it does Node's
/// workers; the primary is gone.
class Worker {
 public:
  /// Joins the cluster. Throws Error in a process that is no worker. There can be one in a process.
  explicit Worker(Process& process, const WorkerSettings& settings = WorkerSettings());
  /// @{
  /// Moves; every call of the other but assignment and destruction throws std::logic_error afterwards.
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) noexcept;
  /// @}
  /// Closes what `serve` opened, at once.
  ~Worker();

  /// The number that the primary gave it. Mirrors `cluster.worker.id`.
  [[nodiscard]] uint32_t id() const;

  /// Asks the primary for a listener. Fails with the primary's error (EADDRINUSE), or with Errc::disconnected
  /// when the worker is leaving.
  [[nodiscard]] Op<Listener> listen(const Where& where, const ListenOptions& options = ListenOptions());
  /// Serves HTTP there until the worker leaves, and settles with the address once it listens.
  /// `max_connections` of either options counts.
  Op<net::Endpoint> serve(const Where& where, http::Handler handler,
                          const ListenOptions& options = ListenOptions(),
                          const http::Options& http = http::Options());
  /// The same with a server that has its hooks (`on_upgrade`, `on_check_continue`, ...): one of
  /// `http::serve(loop, handler, options)`, which the worker owns from here on. An upgraded connection is one
  /// of the others that leaving waits for. `max_connections` of `options` counts, the server's own does not:
  /// it never refuses what is given to it. No server (an empty one) is misuse.
  ///
  ///     auto http = baton::http::serve(self.loop(), answer, baton::http::Options().max_body_size(1 << 20));
  ///     http.on_upgrade(take);
  ///     co_await cluster.serve(8080, std::move(http));
  Op<net::Endpoint> serve(const Where& where, http::Server server,
                          const ListenOptions& options = ListenOptions());
  /// Asks the primary for a bound UDP socket, which all workers that ask for the same share: each datagram
  /// goes to one of them. With `reuse_port` this worker binds one of its own, and the kernel spreads the
  /// senders. Only a port is every IPv4 address of the machine; a path is misuse. Closing it tells the
  /// primary, which closes its own once no worker has it. Mirrors `dgram.Socket.bind` in a worker of Node's.
  [[nodiscard]] Op<net::UdpSocket> bind_udp(const Where& where,
                                            const net::UdpOptions& options = net::UdpOptions());

  /// Leaves by the book. Mirrors `cluster.worker.disconnect()`.
  void disconnect();
  /// Ends the process with exit code 0 as soon as the primary knows that it is meant, whatever is open.
  /// Mirrors `cluster.worker.kill()`.
  void kill();
  /// The worker was told to leave, or leaves by itself: what is not the cluster's own may be put in order
  /// now; once.
  void on_leaving(Handler<> callback);
  /// Settles when it has left: listeners and connections are closed, and the channel has ended.
  [[nodiscard]] Op<> left();
  /// Mirrors `cluster.worker.exitedAfterDisconnect`.
  [[nodiscard]] bool exited_after_disconnect() const;
  /// How many connections of its listeners are open in this process.
  [[nodiscard]] uint32_t connections() const;

 private:
  friend class Listener;
  struct State;
  [[nodiscard]] State& state() const;
  std::shared_ptr<State> state_;
};

}  // namespace baton::cluster
