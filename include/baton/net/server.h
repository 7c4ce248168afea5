#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "baton/base/fd.h"
#include "baton/loop/op.h"
#include "baton/loop/serving.h"
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
  /// Everybody may read, or write to, the file of a Unix-domain socket, whatever the umask says; who may
  /// write may connect. Mirror Node's `readableAll` and `writableAll`.
  ListenOptions& readable_all(bool on = true) {
    readable_all_ = on;
    return *this;
  }
  ListenOptions& writable_all(bool on = true) {
    writable_all_ = on;
    return *this;
  }
  /// @}
  /// Only this user may use the file of a Unix-domain socket (mode 0600, whatever the umask says); wins over
  /// the two above.
  ListenOptions& owner_only(bool on = true) {
    owner_only_ = on;
    return *this;
  }
  /// The mode of the file of a Unix-domain socket, whatever the umask says; wins over the three above.
  ListenOptions& file_mode(std::optional<unsigned> mode) {
    file_mode_ = mode;
    return *this;
  }
  /// @{
  /// What was set.
  [[nodiscard]] int backlog() const noexcept { return backlog_; }
  [[nodiscard]] bool ipv6_only() const noexcept { return ipv6_only_; }
  [[nodiscard]] bool reuse_port() const noexcept { return reuse_port_; }
  [[nodiscard]] bool readable_all() const noexcept { return readable_all_; }
  [[nodiscard]] bool writable_all() const noexcept { return writable_all_; }
  [[nodiscard]] bool owner_only() const noexcept { return owner_only_; }
  [[nodiscard]] const std::optional<unsigned>& file_mode() const noexcept { return file_mode_; }
  /// @}

 private:
  int backlog_ = 4096;
  bool ipv6_only_ = false;
  bool reuse_port_ = false;
  bool readable_all_ = false;
  bool writable_all_ = false;
  bool owner_only_ = false;
  std::optional<unsigned> file_mode_;
};

/// A listening socket, TCP or Unix-domain; mirrors Node's `net.Server`. It accepts nothing until
/// `on_connection` is set: connections wait in the kernel's backlog, where other processes that hold the same
/// socket may take them. Destroying it closes this process's descriptor only.
class Server {
 public:
  /// No listener: every call but assignment, destruction, `operator bool`, `close` and `descriptor` (-1)
  /// throws std::logic_error.
  Server() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  /// @}
  ~Server();

  /// Takes over a stream socket that listens, or that is bound and is then made to listen (with a backlog of
  /// 4,096); otherwise an error that says what it is. It is taken for one that others have too: see `shared`.
  [[nodiscard]] static Result<Server> adopt(Loop& loop, Fd descriptor);

  /// Whether there is a listener.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The loop that it lives on.
  [[nodiscard]] Loop& loop() const;

  /// Each accepted connection. Setting it starts accepting; a server that accepts keeps `Loop::run` from
  /// returning, unless unref'd. An exception that leaves it, or the task that it returns, is its
  /// connection's: see `Serving`.
  void on_connection(Serving<Socket> callback);
  /// Accepting failed, at most once a second. After an error that is not of one connection alone (this
  /// process or the machine is short of descriptors or memory, a security module refuses) accepting pauses
  /// for 100 ms, and the connections wait in the backlog. What says that this is no listener any more ends
  /// it, after 50 such pauses. And, each time, that an exception has ended what served a connection. Without
  /// a handler, one line is written to standard error.
  void on_error(Handler<const Error&> callback);
  /// @{
  /// Stops and resumes accepting.
  void pause();
  void resume();
  /// @}
  /// Accepts now what waits in the backlog, at most 4,096 connections. Who closes the last copy of a listener
  /// would otherwise reset them.
  void accept_pending();
  /// Lets nobody new in, and ends when nobody who was let in waits in the backlog any more, after half a
  /// second at the latest; then this copy can be closed, and then each of those that others hold, without a
  /// reset for anybody. For the end of a service: it holds for every copy of the socket and is not taken
  /// back. A client that comes too late tries again after a second, and finds the port closed, or somebody
  /// else's. Somebody has to accept meanwhile. A Unix-domain socket lets in who still finds its file. Closing
  /// this server cancels it.
  [[nodiscard]] Op<> last_call();
  /// Whether other processes have the same socket (one that `adopt` got, one that `Channel::send` has sent).
  /// Then it accepts one connection a wake-up, which divides them most evenly, and it asks before each
  /// whether there is one: the others can make the socket block, which no descriptor of ours prevents. It
  /// gets SO_RCVTIMEO for the case that they do so right in between. To be told when the descriptor was given
  /// to others in another way, or when nobody else has what was adopted.
  void shared(bool others_too) const;
  /// Closes the descriptor; no callback is called any more.
  void close() noexcept;

  /// The address it is bound to, with the port that the kernel chose.
  [[nodiscard]] Endpoint local() const;
  /// What was asked for, as Node writes it in a connection's `key`: "4:127.0.0.1:0", "6::::8080",
  /// "-1:/run/x:-1".
  [[nodiscard]] const std::string& key() const;
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
  [[nodiscard]] State& state() const;
  explicit Server(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Listens on a port of every address of the machine: IPv6 and IPv4, or IPv4 alone where there is no IPv6. 0:
/// one that is free. Throws as below. Mirrors `server.listen(port)`.
[[nodiscard]] Server listen(Loop& loop, uint16_t port, const ListenOptions& options = ListenOptions());
/// Listens on `endpoint`. Throws Error: "listen 127.0.0.1:80: bind: permission denied". TCP sockets get
/// SO_REUSEADDR. The file of a Unix-domain socket that no process holds any more is replaced, anything else
/// that has the name stays; the file has its mode from the first moment on. It is never removed afterwards,
/// as other processes may hold the same socket.
[[nodiscard]] Server listen(Loop& loop, const Endpoint& endpoint,
                            const ListenOptions& options = ListenOptions());

}  // namespace baton::net
