#pragma once

#include <cstdint>
#include <limits>
#include <stop_token>
#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"

namespace baton::http {

class Connection;

/// The answer to one request; mirrors Node's `http.ServerResponse`. How long it lives stands at `Request`.
///
/// The head goes out with the first `write` or with `end`, with Date and with what frames the body:
/// Content-Length if all of the body is given to `end` or if that header was set before, else chunks (for
/// HTTP/1.0, the end of the connection). To HEAD, and with 204 and 304, no byte of a body is sent, whatever
/// is written.
///
/// When the client disappears, what is written is dropped silently; `on_close` tells. What is misuse throws
/// std::logic_error: changing the head after it went, writing after the end, writing more or less than the
/// Content-Length that was set (short of it the connection is cut, so that the client notices).
class Response {
 public:
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  /// 200 to 999; 200 by default. Throws std::invalid_argument for another.
  Response& status(int status);
  /// Sets a header in place of earlier ones of that name. Throws std::invalid_argument for a name that is no
  /// token, for a value with a control character, for Transfer-Encoding and Keep-Alive (the server itself
  /// says them), and for a Connection other than close and keep-alive.
  Response& header(std::string_view name, std::string_view value);
  /// Adds a header beside earlier ones of that name: Set-Cookie.
  Response& add_header(std::string_view name, std::string_view value);

  /// To a client that expects `100 Continue`, that it may send its body; for handlers of
  /// `Server::on_check_continue`. Asking for the body says it too; to others nothing is said. Throws
  /// std::logic_error once the head went.
  void write_continue();
  /// Writes a piece of the body. False: more than 64 KiB are waiting, better wait for `drained` or on_drain.
  /// Over 256 MiB the connection is cut.
  bool write(std::string_view bytes);
  /// Adds a field behind the body, for which the body goes in chunks; to HTTP/1.0, to HEAD, and where there
  /// is no body, it is dropped. Mirrors `addTrailers`. Throws std::invalid_argument as `header` does and for
  /// what must stand in front of the body (Content-Type, Set-Cookie ...), std::logic_error once a head with
  /// Content-Length went.
  Response& trailer(std::string_view name, std::string_view value);
  /// @{
  /// The response is complete. A second call is ignored.
  void end();
  void end(std::string_view bytes);
  /// @}
  /// Ends the response with `length` bytes of a regular file from `offset` on, or as many as there are; by
  /// sendfile(2), so they are never copied into this process. Sets Content-Length; to HEAD, and with 204 and
  /// 304, only the head goes. Content-Type, and for a part 206 and Content-Range, are the caller's to set.
  ///
  /// Fails, and then nothing was sent and the response is as it was, when the file cannot be opened, is not
  /// regular, or ends before `offset`: the error names the step and the file. When it cannot be read to its
  /// end later (it was made shorter), the connection is cut, so that the client notices, and
  /// `Server::on_error` says why. A file that is not in the page cache makes the loop wait for the disk.
  [[nodiscard]] Result<void> end_file(const std::string& path, std::uint64_t offset = 0,
                                      std::uint64_t length = std::numeric_limits<std::uint64_t>::max());

  /// What was written is in the kernel, after a `write` that returned false.
  void on_drain(baton::Handler<> callback);
  /// The same for coroutines: `if (!response.write(piece)) co_await response.drained();`. Settles at once
  /// when there is room; fails with Errc::disconnected when the client disappears. std::logic_error for a
  /// second wait beside the first.
  [[nodiscard]] Op<> drained();
  /// The client is gone before the response was ended (or broke the rules, or took too long with its
  /// request); once. One that has only ended its own direction (FIN), with its request whole, is not gone: it
  /// may still read.
  void on_close(baton::Handler<> callback);
  /// The same for what is waited for on its behalf, which then ends with Errc::cancelled:
  ///     auto reply = co_await client.fetch(url).cancel_on(response.gone());
  /// Good until the response is ended. A handler that this leaves has a client that left, as with
  /// Errc::disconnected.
  [[nodiscard]] std::stop_token gone();

  /// Whether the head is on its way and can no longer be changed.
  [[nodiscard]] bool head_sent() const noexcept;
  /// Whether `end` was called.
  [[nodiscard]] bool ended() const noexcept;

 private:
  friend class Connection;
  explicit Response(Connection& connection) noexcept : connection_(connection) {}

  Connection& connection_;
};

}  // namespace baton::http
