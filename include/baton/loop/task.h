#pragma once

// A warning for users of g++ 12, Debian 12's compiler: within a `co_await` expression it destroys what braces
// make twice: aggregates with members that own something, braced lists, lambdas that capture copies.
//
//     co_await child.send(Job{1, "long text"}).op();  // wrong: compiles without a word; then, when it runs:
//                                                     // free(): double free detected in tcache 2
//     co_await exec_file(loop, "echo", {"a", "b"});   // wrong: at the function's last brace:
//                                                     // error: array used as initializer
//
// Name such values before the expression, or use what needs no braces:
//
//     const Job job{1, "long text"};
//     co_await child.send(job).op();
//     auto result = co_await exec_file(loop, "echo", "a", "b");
//     co_await child.request(Value::object().set("id", 7));
//
// Baton's own functions take no aggregates, so calls without braces or lambdas are safe. clang 19 is clean.

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace baton {

class Loop;
template <class T = void>
class Task;

namespace detail {

/// How a coroutine ended: with a value, or with what left it.
template <class T>
struct TaskOutcome {
  std::optional<T> value;
  std::exception_ptr exception;

  template <class U>
  void set(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(std::exchange(exception, nullptr));
    return std::move(*value);
  }
};
template <>
struct TaskOutcome<void> {
  std::exception_ptr exception;

  void take() {
    if (exception) std::rethrow_exception(std::exchange(exception, nullptr));
  }
};

template <class T>
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
  void unhandled_exception() noexcept { outcome.exception = std::current_exception(); }

  std::coroutine_handle<> waiter;
  TaskOutcome<T> outcome;
};

template <class T>
class TaskPromise : public TaskPromiseBase<T> {
 public:
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    this->outcome.set(std::forward<U>(value));
  }
};

template <>
class TaskPromise<void> : public TaskPromiseBase<void> {
 public:
  Task<void> get_return_object();
  void return_void() noexcept {}
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
    T await_resume() { return task_.frame_.promise().outcome.take(); }

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

/// @{
/// What a started task needs of its loop.
void own_frame(Loop& loop, void* address);
void disown_frame(Loop& loop, void* address) noexcept;
void uncaught(Loop& loop, std::exception_ptr exception) noexcept;
/// @}

/// The frame around a started task. The loop owns it until it ends.
class Runner {
 public:
  class promise_type {
   public:
    template <class T, class... More>
    promise_type(Loop& loop, Task<T>& /*task*/, More&... /*more*/) : loop_(loop) {}
    ~promise_type() { disown_frame(loop_, address()); }
    Runner get_return_object() {
      own_frame(loop_, address());
      return {};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { uncaught(loop_, std::current_exception()); }

   private:
    void* address() { return std::coroutine_handle<promise_type>::from_promise(*this).address(); }
    Loop& loop_;
  };
};

/// What a started task and whoever holds it share.
template <class T>
struct Joint {
  explicit Joint(Loop& owner) : loop(owner) {}

  Loop& loop;
  TaskOutcome<T> outcome;
  std::coroutine_handle<> waiter;
  bool done = false;
  bool dropped = false;

  void end() {
    done = true;
    if (dropped) return tell();
    // The waiter may be gone when this returns.
    if (waiter) std::exchange(waiter, nullptr).resume();
  }
  T take() {
    dropped = true;
    return outcome.take();
  }
  void drop() noexcept {
    waiter = nullptr;
    if (!std::exchange(dropped, true) && done) tell();
  }
  void tell() noexcept {
    if (outcome.exception) uncaught(loop, std::exchange(outcome.exception, nullptr));
  }
};

template <class T>
Runner run_joined(Loop& /*loop*/, Task<T> task, std::shared_ptr<Joint<T>> joint) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else {
      joint->outcome.set(co_await std::move(task));
    }
  } catch (...) {
    joint->outcome.exception = std::current_exception();
  }
  joint->end();
}

}  // namespace detail

/// A task that was started: whoever holds this may wait for it, or let go of it.
///
///     Started<int> counting = start(loop, count(folder));
///     ...
///     int files = co_await std::move(counting);  // the value, or throws what left the task
///
/// Dropping it does not end the task. What leaves a task that nobody waits for goes where exceptions of
/// callbacks go (`Loop::on_uncaught`). Mirrors a promise of JavaScript.
template <class T = void>
class Started {
 public:
  /// @{
  /// Moves; the other is empty afterwards.
  Started(Started&&) noexcept = default;
  Started& operator=(Started&& other) noexcept {
    if (this != &other) {
      drop();
      joint_ = std::move(other.joint_);
    }
    return *this;
  }
  /// @}
  ~Started() { drop(); }

  /// Whether the task has ended.
  [[nodiscard]] bool done() const noexcept { return !joint_ || joint_->done; }

  class Awaiter;
  /// Waits for its end. Throws std::logic_error for one that was waited for before, or moved away.
  Awaiter operator co_await() && {
    if (!joint_) throw std::logic_error("this started task was waited for before, or moved away");
    return Awaiter(std::exchange(joint_, nullptr));
  }

 private:
  template <class U>
  friend Started<U> start(Loop& loop, Task<U> task);
  explicit Started(std::shared_ptr<detail::Joint<T>> joint) : joint_(std::move(joint)) {}
  void drop() noexcept {
    if (joint_) std::exchange(joint_, nullptr)->drop();
  }

  std::shared_ptr<detail::Joint<T>> joint_;
};

/// What waits for a started task in a coroutine.
template <class T>
class Started<T>::Awaiter {
 public:
  /// @{
  /// What the compiler calls.
  explicit Awaiter(std::shared_ptr<detail::Joint<T>> joint) : joint_(std::move(joint)) {}
  Awaiter(Awaiter&&) noexcept = default;
  ~Awaiter() {
    if (joint_) joint_->drop();
  }
  bool await_ready() const noexcept { return joint_->done; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { joint_->waiter = waiter; }
  /// @}
  /// The value, or throws what left the task.
  T await_resume() { return joint_->take(); }

 private:
  std::shared_ptr<detail::Joint<T>> joint_;
};

/// Runs `task` up to its first wait now, and the rest from the loop, which owns it. A task that is still
/// suspended when the loop is destroyed is destroyed with it. What is returned need not be kept.
template <class T>
Started<T> start(Loop& loop, Task<T> task) {
  auto joint = std::make_shared<detail::Joint<T>>(loop);
  detail::run_joined(loop, std::move(task), joint);
  return Started<T>(std::move(joint));
}
}  // namespace baton
