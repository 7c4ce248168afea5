#pragma once

// A warning for users of g++ 12: it destroys an aggregate with non-trivial members twice when the aggregate
// is a temporary inside a `co_await` expression, and braced lists and copy-capturing lambdas there too. Name
// such values before the expression:
//
//     const auto options = ExecOptions().timeout(5s);            // fine: a class with setters
//     auto result = co_await exec(loop, "git status", options);
//
// Baton's own functions take no aggregates, so calls without braces or lambdas are safe. clang 19 is clean.

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include "baton/loop/loop.h"

namespace baton {

template <class T = void>
class Task;

namespace detail {

class TaskPromiseBase {
 public:
  TaskPromiseBase() = default;

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) noexcept {
      // The frame of `self` belongs to the waiter, who may destroy it as soon as it runs: nothing is touched
      // after.
      if (auto next = self.promise().waiter) next.resume();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  std::coroutine_handle<> waiter;
  std::exception_ptr exception;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

/// A coroutine of the user's: it runs when it is awaited or given to `start`, and ends with a T or an
/// exception. Destroying a task that is suspended destroys its locals; what it had begun goes on as the Ops'
/// contract says.
template <class T>
class [[nodiscard]] Task {
 public:
  /// What the compiler looks for.
  using promise_type = detail::TaskPromise<T>;

  /// @{
  /// Moves; the other is empty afterwards.
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  /// @}
  ~Task() {
    if (frame_) frame_.destroy();
  }

  /// What waits for a task in a coroutine.
  class Awaiter {
   public:
    /// @{
    /// What the compiler calls.
    explicit Awaiter(Task task) : task_(std::move(task)) {}
    bool await_ready() noexcept { return false; }
    /// @}
    // Not symmetric transfer: without optimisation, and under ASan, that would grow the stack with each step.
    /// What the compiler calls.
    bool await_suspend(std::coroutine_handle<> waiter) {
      task_.frame_.resume();
      if (task_.frame_.done()) return false;
      task_.frame_.promise().waiter = waiter;
      return true;
    }
    /// The value, or throws what left the task.
    T await_resume() { return task_.frame_.promise().take(); }

   private:
    Task task_;
  };
  /// Starts the task, and waits for it. Throws std::logic_error for one that was waited for before, or moved
  /// away.
  Awaiter operator co_await() && {
    if (!frame_) throw std::logic_error("this task was waited for before, or moved away");
    return Awaiter(std::move(*this));
  }

 private:
  template <class>
  friend class detail::TaskPromise;
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

template <class T>
Task<T> detail::TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> detail::TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

namespace detail {

/// The frame around a started task. The loop owns it until it ends.
class Started {
 public:
  class promise_type {
   public:
    template <class... More>
    promise_type(Loop& loop, Task<void>& /*task*/, More&... /*more*/) : loop_(loop) {}
    ~promise_type() { loop_.disown_frame(address()); }
    Started get_return_object() {
      loop_.own_frame(address());
      return {};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { loop_.uncaught(std::current_exception()); }

   private:
    void* address() { return std::coroutine_handle<promise_type>::from_promise(*this).address(); }
    Loop& loop_;
  };
};

using TaskFailure = std::move_only_function<void(std::exception_ptr)>;

inline Started run_started(Loop& /*loop*/, Task<void> task) { co_await std::move(task); }
inline Started run_started(Loop& /*loop*/, Task<void> task, TaskFailure failed) {
  std::exception_ptr thrown;
  try {
    co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) failed(thrown);
}

}  // namespace detail

/// Runs `task` up to its first wait now, and the rest from the loop, which owns it. An exception that leaves
/// it goes where those of callbacks go. A task that is still suspended when the loop is destroyed is
/// destroyed with it.
inline void start(Loop& loop, Task<void> task) { detail::run_started(loop, std::move(task)); }
/// The same for work whose failure is its own, such as one job of many: what leaves it is given to `failed`,
/// and the process goes on.
///     start(loop, resize(std::move(job)), [](const std::exception_ptr& why) { ... });
inline void start(Loop& loop, Task<void> task, std::move_only_function<void(std::exception_ptr)> failed) {
  detail::run_started(loop, std::move(task), std::move(failed));
}

}  // namespace baton
