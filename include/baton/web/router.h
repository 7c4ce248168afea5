#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/request.h"
#include "baton/http/response.h"
#include "baton/loop/serving.h"
#include "baton/loop/task.h"

namespace baton::web {

/// What a pattern's names stand for in the path of one request, decoded.
class PathParameters {
 public:
  /// Those of a match.
  explicit PathParameters(std::vector<std::pair<std::string, std::string>> values)
      : values_(std::move(values)) {}
  /// The value of that name. Throws std::out_of_range for one that the pattern does not have.
  [[nodiscard]] const std::string& operator[](std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// Gives each request to the handler of its method and path:
///
///     web::Router router;
///     router.get("/users/:id", [&](Request&, Response& response, web::PathParameters path) -> Task<> {
///       web::send_json(response, co_await users.find(path["id"]));
///     });
///     router.post("/users", add_user).get("/files/*rest", download);
///     auto server = http::serve(std::move(listener), router);
///
/// A pattern is a path whose segments are texts, names (":id": one segment, not empty) or, as the last one,
/// the rest ("*rest": with its "/", and possibly empty). The handlers are tried in the order in which they
/// were added. Segments are compared when they are decoded, and "/users/" is another path than "/users".
/// What comes out of them may have any byte in it: a name may be "../x",
/// and the rest "../../x"; look before you open a file. HEAD is asked of GET's handler. What no pattern has
/// is answered 404; what only other methods have, 405 with Allow; a path that is no percent-encoding, 400.
///
/// A copy is the same router.
class Router {
 public:
  /// What serves: it may leave the path's parameters out, and it may be a coroutine, which takes them by
  /// value.
  using Route = Serving<http::Request&, http::Response&, PathParameters>;

  Router();
  /// Adds a handler. Throws std::invalid_argument for a pattern that does not begin with "/", that has a name
  /// twice or an empty one, or something behind "*", and for a handler that is null.
  template <class F>
  Router& on(std::string_view method, std::string_view pattern, F handler) {
    if constexpr (std::invocable<F&, http::Request&, http::Response&, PathParameters>) {
      return add(method, pattern, Route(std::move(handler)));
    } else {
      Serving<http::Request&, http::Response&> serving(std::move(handler));
      if (!serving) return add(method, pattern, Route());
      return add(method, pattern,
                 Route([serving = std::move(serving)](http::Request& request, http::Response& response,
                                                      const PathParameters&) mutable {
                   return serving(request, response);
                 }));
    }
  }
  /// @{
  /// `on` with that method.
  template <class F>
  Router& get(std::string_view pattern, F handler) {
    return on("GET", pattern, std::move(handler));
  }
  template <class F>
  Router& post(std::string_view pattern, F handler) {
    return on("POST", pattern, std::move(handler));
  }
  template <class F>
  Router& put(std::string_view pattern, F handler) {
    return on("PUT", pattern, std::move(handler));
  }
  template <class F>
  Router& patch(std::string_view pattern, F handler) {
    return on("PATCH", pattern, std::move(handler));
  }
  template <class F>
  Router& del(std::string_view pattern, F handler) {
    return on("DELETE", pattern, std::move(handler));
  }
  /// @}

  /// Serves one request; for `http::serve`.
  std::optional<Task<>> operator()(http::Request& request, http::Response& response);

 private:
  struct State;
  Router& add(std::string_view method, std::string_view pattern, Route route);

  std::shared_ptr<State> state_;
};

}  // namespace baton::web
