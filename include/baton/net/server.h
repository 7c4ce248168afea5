#pragma once

#include <functional>
#include <memory>
#include <string>

#include "baton/base/fd.h"
#include "baton/net/endpoint.h"
#include "baton/net/socket.h"

namespace baton::net {

class BoundSocket;

/// How to listen. A class with setters, so that it may stand inside a `co_await` expression.
class ListenOptions {
 public:
  /// How many connections the kernel keeps waiting; it takes no more than net.core.somaxconn. 4,096 by
  /// default.
  ListenOptions& backlog(int connections) {
    backlog_ = connections;
    return *this;
  }
  /// On "::" accept IPv6 only; by default IPv4 too (dual stack).
  ListenOptions& ipv6_only(bool on = true) {
    ipv6_only_ = on;
    return *this;
  }
  /// SO_REUSEPORT: several sockets listen on the port, and the kernel spreads connections by hash.
  ListenOptions& reuse_port(bool on = true) {
    reuse_port_ = on;
    return *this;
  }
  /// @{
  /// What was set.
  [[nodiscard]] int backlog() const noexcept { return backlog_; }
  [[nodiscard]] bool ipv6_only() const noexcept { return ipv6_only_; }
  [[nodiscard]] bool reuse_port() const noexcept { return reuse_port_; }
  /// @}

 private:
  int backlog_ = 4096;
  bool ipv6_only_ = false;
  bool reuse_port_ = false;
};

/// A listening socket, TCP or Unix-domain; mirrors Node's `net.Server`. It accepts nothing until
/// `on_connection` is set: connections wait in the kernel's backlog, where other processes that hold the same
/// socket may take them. Destroying it closes this process's descriptor only.
class Server {
 public:
  /// No listener.
  Server() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  /// @}
  ~Server();

  /// Takes over a stream socket that listens, or that is bound and is then made to listen (with a backlog of
  /// 4,096); otherwise an error that says what it is. Such a server shares its socket, so it accepts one
  /// connection a wake-up: that divides them most evenly.
  [[nodiscard]] static Result<Server> adopt(Loop& loop, Fd descriptor);

  /// Whether there is a listener.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The loop that it lives on.
  [[nodiscard]] Loop& loop() const noexcept;

  /// Each accepted connection. Setting it starts accepting; a server that accepts keeps `Loop::run` from
  /// returning, unless unref'd.
  void on_connection(std::move_only_function<void(Socket)> callback);
  /// Accepting failed, at most once a second. When this process or the machine is short of descriptors or
  /// memory, accepting pauses for 100 ms and the connections wait in the backlog. Without a handler, one line
  /// is written to standard error.
  void on_error(std::move_only_function<void(const Error&)> callback);
  /// @{
  /// Stops and resumes accepting.
  void pause();
  void resume();
  /// @}
  /// Accepts now what waits in the backlog, at most 4,096 connections. Who closes the last copy of a listener
  /// would otherwise reset them.
  void accept_pending();
  /// Closes the descriptor; no callback is called any more.
  void close() noexcept;

  /// The address it is bound to, with the port that the kernel chose.
  [[nodiscard]] Endpoint local() const;
  /// What was asked for, as Node writes it in a connection's `key`: "4:127.0.0.1:0", "6::::8080",
  /// "-1:/run/x:-1".
  [[nodiscard]] const std::string& key() const noexcept;
  /// The descriptor, still owned here.
  [[nodiscard]] int descriptor() const noexcept;
  /// Gives the descriptor away; the server is empty afterwards.
  [[nodiscard]] Fd release();

  /// @{
  /// Whether the server keeps the loop running.
  void ref();
  void unref();
  /// @}

 private:
  friend Server listen(Loop& loop, const Endpoint& endpoint, const ListenOptions& options);
  friend Server listen(Loop& loop, BoundSocket socket, const ListenOptions& options);
  struct State;
  explicit Server(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Listens on `endpoint`. Throws Error: "listen 127.0.0.1:80: bind: permission denied". TCP sockets get
/// SO_REUSEADDR. The file of a Unix-domain socket that nobody listens on any more is replaced; it is never
/// removed afterwards, as other processes may hold the same socket.
[[nodiscard]] Server listen(Loop& loop, const Endpoint& endpoint,
                            const ListenOptions& options = ListenOptions());

}  // namespace baton::net
