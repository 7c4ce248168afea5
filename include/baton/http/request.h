#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/http/headers.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/net/endpoint.h"

namespace baton::http {

class Connection;

/// What a client asks; mirrors Node's `http.IncomingMessage`. The handler gets it when the head has come; the
/// body, if there is one, follows.
///
/// A request and its response live together: until the callback returns in which `Response::end` was called,
/// however long that takes, and also when the client or the server is gone by then. So references to them may
/// be kept by whoever answers later, and each response must be ended once, or its memory stays until the loop
/// ends.
///
/// The body waits (and slows the client down) until one of three ways to take it is chosen: `on_data` and
/// `on_end` push it, `next_data` is asked for each piece, `body` gives it whole. Nobody has to: what is left
/// of it when the response ends is dropped, and the connection stays usable.
class Request {
 public:
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// Where it is served.
  [[nodiscard]] Loop& loop() const noexcept;
  /// "GET", "POST" ...: in capitals, as it was sent.
  [[nodiscard]] std::string_view method() const noexcept;
  /// As it was sent: "/path?query", "*", "http://host/path", or "host:port" for CONNECT.
  [[nodiscard]] std::string_view target() const noexcept;
  /// HTTP/1.x: 0 or 1.
  [[nodiscard]] int version_minor() const noexcept;
  /// The fields of the head.
  [[nodiscard]] Headers headers() const noexcept;
  /// The value of the first header of that name, in whatever case; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
  /// Who asks; an empty endpoint once the connection is gone or was given away.
  [[nodiscard]] net::Endpoint remote() const;

  /// Each piece of the body, of up to 64 KiB; it is valid during the call. None comes after the response was
  /// ended.
  void on_data(baton::Handler<std::string_view> callback);
  /// The body is whole (at once, for a request without one). Not called if the client disappears before,
  /// which `Response::on_close` tells.
  void on_end(baton::Handler<> callback);
  /// The next piece of the body, of up to 64 KiB, or nothing at its end; for coroutines:
  ///   while (auto piece = co_await request.next_data()) file.write(*piece);
  /// The client is read from only while somebody waits; giving up the wait (`within`) loses no byte. Fails as
  /// `body` does. In place of the other ways; std::logic_error for a second wait beside the first.
  [[nodiscard]] Op<std::optional<std::string>> next_data();
  /// The whole body. Fails with Errc::message_too_large when it is over `limit` bytes (the rest is not
  /// wanted: the connection will be closed after the response) or over `Options::max_body_size`,
  /// Errc::disconnected when the client disappears, Errc::cancelled when the response is ended before.
  [[nodiscard]] Op<std::string> body(std::size_t limit = std::size_t{1} << 20);
  /// The same with a callback: `body(limit).then(callback)`.
  void body(std::size_t limit, baton::Handler<Result<std::string>> callback);
  /// @{
  /// Stops and resumes the body, its end included; the client is slowed down.
  void pause();
  void resume();
  /// @}
  /// The fields behind a chunked body, as `headers()` has those in front of it: once the body is whole, and
  /// empty before. They are never joined with those.
  [[nodiscard]] Headers trailers() const noexcept;

 private:
  friend class Connection;
  explicit Request(Connection& connection) noexcept : connection_(connection) {}

  Connection& connection_;
};

}  // namespace baton::http
