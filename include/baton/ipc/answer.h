#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "baton/loop/handler.h"
#include "baton/loop/task.h"
#include "baton/wire/payload.h"
#include "baton/wire/value.h"

namespace baton {

namespace detail {
template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

/// What a function takes as its only argument. Never called.
template <class R, class A>
std::remove_cvref_t<A> only_argument(R (*)(A));
template <class R, class F, class A>
std::remove_cvref_t<A> only_argument(R (F::*)(A));
template <class R, class F, class A>
std::remove_cvref_t<A> only_argument(R (F::*)(A) const);
template <class F>
concept function_pointer = std::is_pointer_v<F>;
template <class F>
struct Asked {
  using Type = decltype(detail::only_argument(&F::operator()));
};
template <function_pointer F>
struct Asked<F> {
  using Type = decltype(detail::only_argument(std::declval<F>()));
};
template <std::invocable<Value> F>
struct Asked<F> {
  using Type = Value;
};
}  // namespace detail

/// A program's function that answers requests (`Channel::on_request`). It takes the request: its Value, or a
/// struct with BATON_FIELDS and what else `from_value` reads; a request that does not fit is answered with
/// that error. It returns what is a message itself, nothing, or a `Task` of either:
///
///     parent.on_request([](const Job& job) { return resize(job); });
///     parent.on_request([](Value request) { return request["left"].as_number() * 2; });
///     parent.on_request([&](Value request) -> Task<Value> { co_return co_await look_up(request); });
///
/// An exception that leaves it is the answer: who asked gets its message as an Error. What a lambda has
/// captured lives until the last of its tasks has ended, and so does the request, also for a function that
/// takes it by reference.
class Answer {
 public:
  /// @{
  /// Nobody answers.
  Answer() = default;
  Answer(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  /// @}
  /// `function` is called as function(request).
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Answer> && requires { typename detail::Asked<F>::Type; })
  Answer(F function) {  // NOLINT(google-explicit-constructor)
    using Asked = detail::Asked<F>::Type;
    using Returned = std::remove_cvref_t<std::invoke_result_t<F&, Asked>>;
    static_assert(
        detail::is_task<Returned> || std::is_void_v<Returned> || std::convertible_to<Returned, Value>,
        "an answer is a message: give the struct BATON_FIELDS, or return a Task of one");
    if constexpr (std::is_pointer_v<F>) {
      if (function == nullptr) return;
    } else if constexpr (requires { function.operator bool(); }) {
      if (!function) return;
    }
    // The request stays the task's: also a coroutine that takes a reference has it until its end.
    using Function = std::move_only_function<Returned(Asked&&)>;
    function_ = [shared = std::make_shared<Function>(std::move(function))](Value request) {
      return answer<Returned, Asked>(shared, std::move(request));
    };
  }

  /// Whether somebody answers.
  explicit operator bool() const noexcept { return static_cast<bool>(function_); }
  /// Asks for it, once the task is awaited. Throws std::bad_function_call if nobody answers.
  Task<Value> operator()(Value request) const { return function_(std::move(request)); }

 private:
  template <class Returned, class Asked>
  // NOLINTNEXTLINE(performance-unnecessary-value-param): the task's own
  static Task<Value> answer(std::shared_ptr<std::move_only_function<Returned(Asked&&)>> function,
                            Value message) {
    Asked request = read<Asked>(std::move(message));
    if constexpr (std::is_void_v<Returned>) {
      (*function)(std::move(request));
      co_return Value();
    } else if constexpr (!detail::is_task<Returned>) {
      co_return Value((*function)(std::move(request)));
    } else if constexpr (std::same_as<Returned, Task<>>) {
      co_await (*function)(std::move(request));
      co_return Value();
    } else {
      co_return Value(co_await (*function)(std::move(request)));
    }
  }

  template <class Asked>
  static Asked read(Value message) {
    if constexpr (std::same_as<Asked, Value>) {
      return message;
    } else {
      auto asked = from_value<Asked>(message);
      if (!asked) throw std::move(asked).error();
      return std::move(*asked);
    }
  }

  std::function<Task<Value>(Value)> function_;
};

}  // namespace baton
