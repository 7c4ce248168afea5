#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>

struct uv_loop_s;

namespace baton {

/// A function that is called once or many times, owned by whoever stores it. It need not be copyable.
using Callback = std::move_only_function<void()>;

/// One thread's event loop, the counterpart of Node's. Everything of Baton lives on one loop and is used from
/// its thread only; there are no locks. A process normally has the one that `baton::run` makes.
///
/// Callbacks never run inside the call that asked for them: they run from `run()`. What `defer` queues runs
/// right after the callback that is running, before the loop looks at the kernel again (Node's
/// `process.nextTick`).
class Loop {
 public:
  Loop();  ///< opens /dev/null in place of a standard stream that is closed, as Node does at its start
  /// Destroys the tasks that are still suspended, then closes what is open. Everything that was made on this
  /// loop must be gone before, except for such tasks' locals.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs callbacks until nothing that is ref'd is left to wait for, or `stop()`. Rethrows the exception that
  /// left a callback, unless `on_uncaught` took it. May be called again afterwards; not from inside a
  /// callback.
  void run();
  /// Makes `run()` return once the running callback has ended. What was deferred stays queued.
  void stop() noexcept;

  /// Queues `callback` to run after the running callback, in order; mirrors `process.nextTick`. It may defer
  /// again.
  void defer(Callback callback);

  /// Who gets an exception that left a callback or a started task. Without it, the loop stops and `run()`
  /// rethrows. With it, the loop goes on (Node's 'uncaughtException').
  void on_uncaught(std::move_only_function<void(std::exception_ptr)> handler);

  /// The loop's clock: when the present callback began. Monotonic; cheap.
  [[nodiscard]] std::chrono::milliseconds now() const noexcept;

  // For the layers above, not for programs.

  /// libuv's loop.
  [[nodiscard]] uv_loop_s* native() noexcept;
  /// The one trampoline under libuv: calls `body`, sends what it throws to on_uncaught, then drains the
  /// deferred.
  template <class Body>
  void enter(Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      uncaught(std::current_exception());
    }
    drain();
  }
  /// Sends an exception where those go that leave a callback.
  void uncaught(std::exception_ptr exception) noexcept;
  /// @{
  /// Keeps an object alive that still has something to finish after its owner let go; `let_go` ends that.
  /// What is left is destroyed with the loop.
  void keep(std::shared_ptr<void> object);
  void let_go(const void* object) noexcept;
  /// @}
  /// @{
  /// Owns the frame of a started task until it ends; what is left is destroyed with the loop.
  void own_frame(void* address);
  void disown_frame(void* address) noexcept;
  /// @}
  /// Destroys the frames of all tasks that are still suspended.
  void drop_frames() noexcept;

 private:
  void drain() noexcept;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton
