#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "baton/http/client_options.h"
#include "baton/http/fetch_options.h"
#include "baton/http/reply.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"

namespace baton::http {

class ClientCore;

/// Asks an HTTP/1.1 server, on a connection of its own; mirrors Node's `fetch`.
///
///     http::Reply reply = co_await http::fetch(loop, "http://localhost:8080/users/7");
///     if (reply.ok()) print(co_await reply.body());
///
/// `url` is `http://host[:port]/path?query`, percent-encoded as it goes to the server; a fragment is left
/// out. Names are resolved and addresses tried as `net::connect` does. `https` is not spoken: put a proxy in
/// front. A redirection is an answer as any other. The Op is settled by the answer's head; giving the wait
/// up, or dropping it, closes the connection, so that `within` limits all of that.
///
/// Fails with std::errc::invalid_argument for a URL that is none; with what connecting says; with
/// Errc::timed_out after a time of `ClientOptions`; with Errc::disconnected when the connection ends without
/// an answer, Errc::bad_message when that is no HTTP/1, Errc::message_too_large when its head is over the
/// limits; with what the source of a body throws. Each error begins with "fetch URL".
[[nodiscard]] Op<Reply> fetch(Loop& loop, std::string_view url, FetchOptions options = FetchOptions());

/// Fetches on connections that are kept and used again; mirrors an `Agent` of Node's with `keepAlive`. For
/// whoever asks the same servers often.
///
///     http::Client client(loop, http::ClientOptions().max_connections(8));
///     http::Reply reply = co_await client.fetch("http://localhost:8080/");
///
/// When a server closes such a connection just as it is used again, before a byte of an answer came, the
/// request is sent once more on a new one, if its method says that this does no harm (GET, HEAD, PUT, DELETE,
/// OPTIONS, TRACE, QUERY) and its body is not streamed. Others fail with Errc::disconnected.
///
/// Connections that wait for work do not keep the loop running. Destroying the client closes them; fetches
/// that have begun go on.
class Client {
 public:
  /// No client: `fetch` throws std::logic_error.
  Client() noexcept;
  /// The loop must outlive it.
  explicit Client(Loop& loop, const ClientOptions& options = ClientOptions());
  /// @{
  /// Moves; the other is empty afterwards.
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  /// @}
  ~Client();

  /// Whether it is a client.
  explicit operator bool() const noexcept { return core_ != nullptr; }
  /// As `http::fetch`.
  [[nodiscard]] Op<Reply> fetch(std::string_view url, FetchOptions options = FetchOptions());
  /// How many connections are open: those at work, those on their way, and those that wait for work.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  std::shared_ptr<ClientCore> core_;
};

}  // namespace baton::http
