#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "baton/loop/op.h"
#include "baton/loop/task.h"
#include "baton/loop/wait.h"
#include "baton/net/endpoint.h"

namespace baton::http {

class Exchange;

/// What is asked, beside the URL; mirrors the second argument of Node's `fetch`.
class FetchOptions {
 public:
  /// Called for each piece of a body that is sent: the piece, or nothing at the end.
  using Source = std::function<Task<std::optional<std::string>>()>;

  /// "GET" by default. Throws std::invalid_argument for what is no method, and for CONNECT, which is none
  /// here.
  FetchOptions& method(std::string_view method);
  /// Sets a header in place of earlier ones of that name. Host is the URL's unless it is set. Throws
  /// std::invalid_argument for a name that is no token, for a value with a control character, and for what
  /// frames the body or keeps the connection: Content-Length, Transfer-Encoding, Connection, Keep-Alive,
  /// Upgrade, TE, Trailer, Expect.
  FetchOptions& header(std::string_view name, std::string_view value);
  /// Adds a header beside earlier ones of that name; of Host there is but one.
  FetchOptions& add_header(std::string_view name, std::string_view value);
  /// The body, whole. It is kept until the reply is gone.
  FetchOptions& body(std::string bytes);
  /// The body, piece by piece: `source` is asked for each as soon as the one before is in the kernel, so that
  /// no more is read than is sent. It returns an Op or a Task of the piece, or of nothing at the end, as
  /// `Request::next_data` does:
  ///
  ///     http::FetchOptions options;
  ///     options.method("PUT").body([&request] { return request.next_data(); });
  ///     http::Reply reply = co_await http::fetch(loop, url, options);
  ///
  /// With `length` the body says so, and must have so many bytes; without, it goes in chunks. What `source`
  /// throws is the failure of the fetch. It is kept until its last task has ended. (With g++ 12 name options
  /// with a lambda before a `co_await` expression, as here; see `loop/task.h`.)
  template <class F>
    requires std::invocable<F&>
  FetchOptions& body(F source, std::optional<std::uint64_t> length = std::nullopt) {
    using Piece = std::optional<std::string>;
    using Returned = std::invoke_result_t<F&>;
    static_assert(std::same_as<Returned, Op<Piece>> || std::same_as<Returned, Task<Piece>>,
                  "a body comes as an Op or a Task of std::optional<std::string>");
    auto shared = std::make_shared<F>(std::move(source));
    if constexpr (std::same_as<Returned, Op<Piece>>) {
      return stream([shared] { return baton::detail::task_of((*shared)()); }, length);
    } else {
      return stream([shared] { return (*shared)(); }, length);
    }
  }
  /// Asks for this in place of the URL's path and query, to the letter, so that what somebody else has said
  /// cannot change who is asked: "/path?query", or "*", which goes with OPTIONS. Throws std::invalid_argument
  /// for anything else.
  FetchOptions& target(std::string_view target);
  /// The Unix-domain socket that is asked, in place of the URL's host: a path of at most 107 bytes, else
  /// std::invalid_argument. Mirrors `socketPath` of Node's `http.request`.
  FetchOptions& socket_path(std::string_view path);

 private:
  friend class Exchange;
  FetchOptions& stream(Source source, std::optional<std::uint64_t> length);

  std::string method_ = "GET";
  std::string target_;  // empty: the URL's
  std::string lines_;
  std::string body_;
  Source source_;
  std::optional<std::uint64_t> length_;
  std::optional<net::Endpoint> place_;
};

}  // namespace baton::http
