#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/headers.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"

namespace baton::http {

class Exchange;

/// The answer to a fetch, from its head on; mirrors the `Response` of Node's `fetch`. The body follows: it
/// waits, and slows the server down, until it is asked for.
///
/// Destroying it gives up what is left of the body: a connection on which that has not come yet is closed, as
/// nobody knows how long it is. A wait for the body that is open then goes on to its own end.
class Reply {
 public:
  /// @{
  /// Moves; the other is empty afterwards, and must not be asked for anything.
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;
  /// @}
  ~Reply();

  /// Where it was asked for.
  [[nodiscard]] Loop& loop() const;
  /// 200 to 999. One that is not 2xx is no failure.
  [[nodiscard]] int status() const;
  /// Whether the status is 2xx.
  [[nodiscard]] bool ok() const;
  /// What stands behind the status: "Not Found"; may be empty.
  [[nodiscard]] std::string_view reason() const;
  /// The fields of the head; good as long as the reply.
  [[nodiscard]] Headers headers() const;
  /// The value of the first header of that name, in whatever case; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;

  /// The next piece of the body, of up to 64 KiB, or nothing at its end:
  ///     while (auto piece = co_await reply.next_data()) file.write(*piece);
  /// The server is read from only while somebody waits; giving up the wait (`within`) loses no byte. Fails
  /// with Errc::disconnected when the connection ends amid the body, Errc::timed_out after
  /// `ClientOptions::body_timeout`, Errc::bad_message for chunks that are none. std::logic_error for a second
  /// wait beside the first.
  [[nodiscard]] Op<std::optional<std::string>> next_data();
  /// The whole body, or what is left of it. Fails as `next_data` does, and with Errc::message_too_large when
  /// it is over `limit` bytes; then, and when the wait is given up, the rest is lost.
  [[nodiscard]] Op<std::string> body(std::size_t limit = std::size_t{1} << 20);
  /// The fields behind a chunked body, once it is whole, and empty before.
  [[nodiscard]] Headers trailers() const;

 private:
  friend class Exchange;
  explicit Reply(std::shared_ptr<Exchange> exchange) noexcept;
  [[nodiscard]] Exchange& exchange() const;

  std::shared_ptr<Exchange> exchange_;
};

}  // namespace baton::http
