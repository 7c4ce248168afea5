#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/loop/task.h"
#include "baton/loop/timer.h"

namespace baton {

/// Settles after `time`: `co_await sleep(loop, 100ms);`. Dropping it cuts the wait. Mirrors `setTimeout` of
/// node:timers/promises.
[[nodiscard]] Op<> sleep(Loop& loop, std::chrono::nanoseconds time);

namespace detail {

/// What several tasks and the one that waits for all or any of them share.
template <class T>
struct Together {
  using Kept = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  Together(Loop& loop, std::size_t count, bool any)
      : values(count), left(count), wants_any(any), over(loop) {}

  std::vector<std::optional<Kept>> values;
  std::size_t left;
  bool wants_any;
  std::exception_ptr thrown;
  std::optional<std::size_t> first;
  Promise<> over;

  void ended(std::size_t index) {
    if (!first) first = index;
    if (wants_any || left == 1) over.resolve({});
    --left;
  }
  void failed(std::exception_ptr why) {
    // Of all the first failure counts, of any the last.
    if (wants_any || !thrown) thrown = std::move(why);
    if (!wants_any || left == 1) over.resolve({});
    --left;
  }
};

template <class T>
Task<> one_of_several(std::shared_ptr<Together<T>> together, std::size_t index, Task<T> task) {
  std::exception_ptr thrown;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      together->values[index].emplace();
    } else {
      together->values[index].emplace(co_await std::move(task));
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    together->failed(thrown);
  } else {
    together->ended(index);
  }
}

template <class T>
std::shared_ptr<Together<T>> begin_together(Loop& loop, std::vector<Task<T>> tasks, bool any) {
  auto together = std::make_shared<Together<T>>(loop, tasks.size(), any);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    start(loop, one_of_several(together, i, std::move(tasks[i])));
  return together;
}

template <class T>
Task<T> task_of(Op<T> op) {
  co_return co_await std::move(op);
}
template <class T>
std::vector<Task<T>> tasks_of(std::vector<Op<T>> ops) {
  std::vector<Task<T>> tasks;
  tasks.reserve(ops.size());
  for (Op<T>& op : ops) tasks.push_back(task_of(std::move(op)));
  return tasks;
}

template <class T>
using AllOf = std::conditional_t<std::is_void_v<T>, void, std::vector<typename Together<T>::Kept>>;

}  // namespace detail

/// @{
/// Waits for all of them; the values are in the order given. The tasks are started together when this is
/// awaited. The first failure is thrown at once; the others go on, and what they come to is dropped. Mirrors
/// `Promise.all`; `Limiter` keeps their number down.
///
///     std::vector<Op<ExecResult>> commands;
///     for (const std::string& host : hosts) commands.push_back(exec_file(loop, "ping", "-c1", host));
///     std::vector<ExecResult> results = co_await all(loop, std::move(commands));
template <class T>
Task<detail::AllOf<T>> all(Loop& loop, std::vector<Task<T>> tasks) {
  if constexpr (std::is_void_v<T>) {
    if (tasks.empty()) co_return;
  } else {
    if (tasks.empty()) co_return detail::AllOf<T>();
  }
  const auto together = detail::begin_together(loop, std::move(tasks), false);
  co_await together->over.op();
  if (together->thrown) std::rethrow_exception(together->thrown);
  if constexpr (!std::is_void_v<T>) {
    detail::AllOf<T> values;
    values.reserve(together->values.size());
    for (auto& value : together->values) values.push_back(std::move(*value));
    co_return values;
  }
}
template <class T>
Task<detail::AllOf<T>> all(Loop& loop, std::vector<Op<T>> ops) {
  return all(loop, detail::tasks_of(std::move(ops)));
}
/// @}

/// @{
/// Waits for the first of them that ends well, and returns its value; throws the last failure if none does,
/// and std::invalid_argument if there are none. The others go on, and what they come to is dropped. Mirrors
/// `Promise.any`.
template <class T>
Task<T> any(Loop& loop, std::vector<Task<T>> tasks) {
  if (tasks.empty()) throw std::invalid_argument("any of nothing");
  const auto together = detail::begin_together(loop, std::move(tasks), true);
  co_await together->over.op();
  if (!together->first) std::rethrow_exception(together->thrown);
  if constexpr (!std::is_void_v<T>) co_return std::move(*together->values[*together->first]);
}
template <class T>
Task<T> any(Loop& loop, std::vector<Op<T>> ops) {
  return any(loop, detail::tasks_of(std::move(ops)));
}
/// @}

namespace detail {
template <class T>
struct Awaited;
template <class T>
struct Awaited<Op<T>> : std::type_identity<T> {};
template <class T>
struct Awaited<Task<T>> : std::type_identity<T> {};
}  // namespace detail

/// Lets at most so many things be at work at once; the others wait for their turn, first come, first served.
///
///     Limiter eight(loop, 8);
///     std::vector<Task<ExecResult>> jobs;
///     for (const std::string& file : files)
///       jobs.push_back(eight.run([&loop, file] { return exec_file(loop, "gzip", file); }));
///     std::vector<ExecResult> results = co_await all(loop, std::move(jobs));
///
/// With g++ 12 do not await `run` in the expression that makes its lambda: give the task a name, or put it
/// into a vector, as here.
class Limiter {
  struct State;

 public:
  /// The right to be at work, given back when this is destroyed.
  class Turn {
   public:
    /// @{
    /// Moves; the other has none afterwards.
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&& other) noexcept;
    /// @}
    ~Turn();

   private:
    friend class Limiter;
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  /// At most `most` at once; std::invalid_argument for 0.
  Limiter(Loop& loop, std::size_t most);

  /// A turn, when there is one: `auto turn = co_await limiter.turn();`. Who waits when the limiter is
  /// destroyed gets his all the same.
  [[nodiscard]] Op<Turn> turn() { return turn_of(state_); }
  /// Waits for a turn, calls `work`, which returns an Op or a Task, and waits for that.
  template <std::invocable<> F>
  Task<typename detail::Awaited<std::invoke_result_t<F&>>::type> run(F work) {
    return in_turn(state_, std::move_only_function<std::invoke_result_t<F&>()>(std::move(work)));
  }
  /// @{
  /// How many are at work, and how many wait.
  [[nodiscard]] std::size_t running() const noexcept;
  [[nodiscard]] std::size_t waiting() const noexcept;
  /// @}

 private:
  static Op<Turn> turn_of(const std::shared_ptr<State>& state);
  template <class Awaited>
  static Task<typename detail::Awaited<Awaited>::type> in_turn(std::shared_ptr<State> state,
                                                               std::move_only_function<Awaited()> work) {
    const Turn turn = co_await turn_of(state);
    co_return co_await work();
  }

  std::shared_ptr<State> state_;
};

}  // namespace baton
