#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "baton/loop/handler.h"
#include "baton/loop/task.h"

namespace baton {

/// A program's function that serves one of many: a request, a connection, a datagram. It returns nothing, or
/// a `Task<>` (or an optional one) that is started for it:
///
///     server.on_connection([](net::Socket socket) -> Task<> { co_await talk_to(std::move(socket)); });
///
/// An exception that leaves either ends what was served and nothing else, and is told to the `on_error` of
/// who calls it; without that to `Loop::on_uncaught`, and without that it is one line on standard error. What
/// a lambda has captured lives until the last of its tasks has ended; arguments that are references or views
/// are good as long as who calls it says.
template <class... Args>
class Serving {
 public:
  /// @{
  /// Nobody serves.
  Serving() = default;
  Serving(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  /// @}
  /// `function` is called as function(args...).
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Serving> && std::invocable<F&, Args...>)
  Serving(F function) {  // NOLINT(google-explicit-constructor)
    using Returned = std::remove_cvref_t<std::invoke_result_t<F&, Args...>>;
    constexpr bool tells_its_task = std::convertible_to<Returned, std::optional<Task<>>>;
    static_assert(tells_its_task || !detail::coroutine<Returned>,
                  "what serves returns nothing or a Task<>: any other coroutine would never run");
    if constexpr (std::is_pointer_v<F>) {
      if (function == nullptr) return;
    } else if constexpr (requires { function.operator bool(); }) {
      if (!function) return;
    }
    // NOLINTNEXTLINE(performance-unnecessary-value-param): what they are is the owner's matter
    function_ = [function = std::move(function)](Args... args) mutable -> std::optional<Task<>> {
      if constexpr (tells_its_task) {
        return function(std::forward<Args>(args)...);
      } else {
        function(std::forward<Args>(args)...);
        return std::nullopt;
      }
    };
  }

  /// Whether somebody serves.
  explicit operator bool() const noexcept { return static_cast<bool>(function_); }
  /// Calls it: the task that is to be started, if it returned one.
  std::optional<Task<>> operator()(Args... args) { return function_(std::forward<Args>(args)...); }

 private:
  std::move_only_function<std::optional<Task<>>(Args...)> function_;
};

}  // namespace baton
