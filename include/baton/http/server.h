#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "baton/http/options.h"
#include "baton/http/request.h"
#include "baton/http/response.h"
#include "baton/loop/op.h"
#include "baton/loop/serving.h"
#include "baton/net/server.h"

namespace baton::http {

/// Called once for each request, when its head has come. It answers at once, or keeps the references and
/// answers later, or is a coroutine that returns a `Task<>`. Requests of one connection come one after the
/// other, each when the one before is answered.
///
/// An exception that leaves it, its task, or a callback of the request or the response, ends that request and
/// nothing else: the client gets 500 if no head went out, else the connection is cut, and the response counts
/// as ended: what somebody still does with it does nothing. References are good until 1,024 more, or 8 MiB of
/// them, have failed on this loop, or the loop is destroyed. It is told to `Server::on_error`; without that
/// it goes to `Loop::on_uncaught`, and without that it is a line on standard error, a few a second. That the
/// client is gone (Errc::disconnected, out of `next_data`, `body` or `drained`, or Errc::cancelled by
/// `Response::gone`) is told to `on_error` alone.
using Handler = Serving<Request&, Response&>;

/// Called with a request whose connection leaves HTTP: who gets it now owns the socket, nothing of which is
/// answered yet (`101 Switching Protocols` is his to write) and on which nothing was read behind the head but
/// the last argument. The request is valid during the call. An exception that leaves it, or the task that it
/// returns, is told as that of a handler.
using UpgradeHandler = Serving<Request&, net::Socket, std::string>;

class ServerCore;

/// An HTTP/1.1 server; mirrors Node's `http.Server`. Strict: what two parties could read differently is
/// answered 400 and the connection closed, as in RFC 9112. Before the handler sees a request, the server
/// itself answers `Expect: 100-continue` (100) and any other expectation (417); a request to upgrade is
/// handled as any other. The hooks below change that.
///
/// Destroying it closes the listener and the connections at once; responses that were ended still go out in
/// the background (but for files, which are cut), and references to others stay good until they are ended.
class Server {
 public:
  /// No server: every call but assignment, destruction, `operator bool`, `close` and `connections` (0) throws
  /// std::logic_error.
  Server() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  /// @}
  ~Server();

  /// Whether it is a server.
  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// In place of the handler, the requests that expect `100 Continue`: it answers (401, 413), and the client,
  /// unless it was told `Response::write_continue` before, does not send its body and is closed. Mirrors
  /// 'checkContinue'.
  void on_check_continue(Handler handler);
  /// In place of 417, the requests that expect anything else. Mirrors 'checkExpectation'.
  void on_check_expectation(Handler handler);
  /// In place of the handler, the requests that ask for another protocol (`Connection: Upgrade` and
  /// `Upgrade`, in HTTP/1.1 and without a body). From there on the connection is the program's alone: the
  /// server counts it no more, `drain` and `retire` neither wait for it nor close it. It gets no request
  /// before earlier ones of its connection are answered. Mirrors 'upgrade'.
  void on_upgrade(UpgradeHandler handler);
  /// The same for CONNECT. (Node closes the connection without it; here the handler gets the request.)
  /// Mirrors 'connect'.
  void on_connect(UpgradeHandler handler);
  /// What went wrong on this side: a file of `Response::end_file` that could not be read to its end, where
  /// the error names the step and the file; an exception that ended a request ("answer GET /path: ...").
  void on_error(baton::Handler<const Error&> callback);

  /// Serves a connection that somebody else accepted: one that was handed over. One that is closed already is
  /// passed over.
  void adopt(net::Socket socket);
  /// The end, in order. Accepts all that waits in the backlog, `max_connections` or not; then the listener is
  /// closed, and what comes later is left to the others who hold it. Requests in flight are answered with
  /// `Connection: close`, and so are clients that speak within `time` on open connections. Settles when none
  /// is left; when `time` is over, those that are left are closed. Dropping the Op does not stop it.
  Op<> drain(std::chrono::nanoseconds time);
  /// The same by the book, without a deadline (but for one that `drain` sets): a connection that has had an
  /// answer is closed once it was quiet for `grace`, counted from its last byte and not from this call; one
  /// whose first request has not come is waited for, as long as the options allow.
  Op<> retire(std::chrono::milliseconds grace);
  /// Closes everything at once, as destroying does.
  void close() noexcept;

  /// Where the listener is bound; an empty endpoint without one.
  [[nodiscard]] net::Endpoint local() const;
  /// How many connections are open.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  friend Server serve(net::Server listener, Handler handler, const Options& options);
  friend Server serve(Loop& loop, Handler handler, const Options& options);
  [[nodiscard]] ServerCore& core() const;
  explicit Server(std::shared_ptr<ServerCore> core) noexcept;

  std::shared_ptr<ServerCore> core_;
};

/// Serves the connections of `listener`, which may be one that was handed over.
[[nodiscard]] Server serve(net::Server listener, Handler handler, const Options& options = Options());
/// A server without a listener, for connections that are given to `adopt`.
[[nodiscard]] Server serve(Loop& loop, Handler handler, const Options& options = Options());

}  // namespace baton::http
