#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "baton/loop/task.h"

namespace baton {

namespace detail {
/// What a coroutine returns.
template <class T>
concept coroutine_itself = requires { typename std::remove_cvref_t<T>::promise_type; };
/// The same, or what holds one, such as an optional: whoever gets it has to start it.
template <class T>
concept coroutine = coroutine_itself<T> ||
                    requires { requires coroutine_itself<typename std::remove_cvref_t<T>::value_type>; };
/// A function that is called and is over when it returns: where nobody could start a coroutine.
template <class F, class... Args>
concept plain_function = std::invocable<F&, Args...> && !coroutine<std::invoke_result_t<F&, Args...>>;

/// Starts `task` on the loop that is running, which owns it; `function` is kept until it ends.
void start_here(std::shared_ptr<void> function, Task<> task);
}  // namespace detail

/// A program's function that is called back. It returns nothing, or it is a coroutine:
///
///     child.on_message([&](Message message) -> Task<> { co_await answer(child, std::move(message)); });
///     reports = Timer::every(loop, 10s, [&]() -> Task<> { co_await report(); });
///
/// A `Task<>` is started, and owned by the loop; a callback that comes before an earlier one's task has ended
/// starts another beside it, and nothing limits how many; `next_message` and its like take one at a time.
/// What leaves a task goes where exceptions of callbacks go (`Loop::on_uncaught`). Tasks do not end with
/// the object that called back, as any of them may be what destroys it: what they need must live as long as
/// they do. What a lambda has captured lives until the last of its tasks has ended. Arguments that are values
/// are the task's own; references and views are good until its first `co_await` only: copy what is needed
/// later.
///
/// A coroutine of any other kind would never run, and does not compile.
template <class... Args>
class Handler {
 public:
  /// What it is kept as.
  using Function = std::move_only_function<void(Args...)>;

  /// @{
  /// Nobody is called.
  Handler() = default;
  Handler(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  /// @}
  /// `function` is called as function(args...).
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Handler> && std::invocable<F&, Args...>)
  Handler(F function) {  // NOLINT(google-explicit-constructor)
    using Returned = std::invoke_result_t<F&, Args...>;
    static_assert(std::same_as<Returned, Task<>> || !detail::coroutine<Returned>,
                  "a callback returns nothing or a Task<>: any other coroutine would never run");
    if constexpr (std::same_as<Returned, Task<>>) {
      if constexpr (std::is_pointer_v<F>) {
        if (function == nullptr) return;
      } else if constexpr (requires { function.operator bool(); }) {
        if (!function) return;
      }
      auto shared = std::make_shared<F>(std::move(function));
      // NOLINTNEXTLINE(performance-unnecessary-value-param): what they are is the owner's matter
      function_ = [shared = std::move(shared)](Args... args) {
        detail::start_here(shared, (*shared)(std::forward<Args>(args)...));
      };
    } else {
      function_ = std::move(function);
    }
  }

  /// For whoever calls it.
  operator Function() && { return std::move(function_); }  // NOLINT(google-explicit-constructor)

 private:
  Function function_;
};

/// Starts a task (`task.h`) for work whose failure is its own, such as one job of many: what leaves it is
/// given to `failed`, and the process goes on.
///     start(loop, resize(std::move(job)), [](const std::exception_ptr& why) { ... });
void start(Loop& loop, Task<> task, Handler<std::exception_ptr> failed);

namespace detail {
/// A handler for options that can be copied: all copies call the one function.
template <class... Args>
std::function<void(Args...)> shared_function(Handler<Args...> handler) {
  typename Handler<Args...>::Function function = std::move(handler);
  if (!function) return nullptr;
  auto shared = std::make_shared<decltype(function)>(std::move(function));
  // NOLINTNEXTLINE(performance-unnecessary-value-param): what they are is the owner's matter
  return [shared = std::move(shared)](Args... args) { (*shared)(std::forward<Args>(args)...); };
}
}  // namespace detail

}  // namespace baton
