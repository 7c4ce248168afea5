#pragma once

#include <string_view>

#include "baton/loop/loop.h"

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

  /// Writes a piece of the body. False: more than 64 KiB are waiting, better wait for on_drain.
  bool write(std::string_view bytes);
  /// The response is complete. A second call is ignored.
  void end();
  void end(std::string_view bytes);

  /// What was written is in the kernel, after a `write` that returned false.
  void on_drain(Callback callback);
  /// The client is gone before the response was ended (or broke the rules, or took too long with its
  /// request); once.
  void on_close(Callback callback);

  /// Whether the head is on its way and can no longer be changed.
  [[nodiscard]] bool head_sent() const noexcept;
  [[nodiscard]] bool ended() const noexcept;

 private:
  friend class Connection;
  explicit Response(Connection& connection) noexcept : connection_(connection) {}

  Connection& connection_;
};

}  // namespace baton::http
