#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "baton/loop/handler.h"

struct uv_loop_s;

namespace baton {

class Error;

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
  /// Opens /dev/null in place of a standard stream that is closed, as Node does at its start. Throws Error,
  /// where the process may not have the descriptors that a loop needs.
  Loop();
  /// Destroys the tasks that are still suspended, then closes what is open. Everything that was made on this
  /// loop must be gone before, except for such tasks' locals.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs callbacks until nothing that is ref'd is left to wait for, or `stop()`. Rethrows the exception that
  /// left a callback, unless `on_uncaught` took it. May be called again afterwards; not from inside a
  /// callback.
  void run();
  /// Makes `run()` return once the running callback has ended; before `run()`, makes that return at once.
  /// What was deferred stays queued, and so does what was on its way to a callback: messages, connections,
  /// datagrams. The next `run()` goes on with it.
  void stop() noexcept;

  /// Queues `callback` to run after the running callback, in order; mirrors `process.nextTick`. It may defer
  /// again.
  void defer(Handler<> callback);

  /// Who gets an exception that left a callback or a started task. Without it, the loop stops and `run()`
  /// rethrows. With it, the loop goes on (Node's 'uncaughtException'). The exception ends that callback and
  /// nothing else: whatever was to be told beside is told, in its order; without `on_uncaught`, by the next
  /// `run()`. What leaves the handler, at once, ends the loop; what leaves a coroutine of it later comes to
  /// it like any other.
  void on_uncaught(Handler<std::exception_ptr> handler);

  /// Who gets the lines that Baton prints where nobody has asked for its errors: "accept on 0.0.0.0:80: too
  /// many open files". What it has captured must live until it is replaced. Without it they go to standard
  /// error, with "baton: " before each; a reader of that who has stopped then holds up the loop.
  void on_report(Handler<std::string_view> handler);

  /// The loop's clock: when the present callback began. Monotonic; cheap.
  [[nodiscard]] std::chrono::milliseconds now() const noexcept;

  // For the layers above, not for programs.

  /// The one whose callback is running on this thread, else the last of the living ones that was made on it;
  /// std::logic_error if there is none.
  [[nodiscard]] static Loop& running();
  /// libuv's loop.
  [[nodiscard]] uv_loop_s* native() noexcept;
  /// Every call of a program's function goes through this: what that throws goes to on_uncaught, and the
  /// caller goes on.
  template <class Body>
  void call(Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      uncaught(std::current_exception());
    }
  }
  /// The one trampoline under libuv: calls `body`, then drains the deferred.
  template <class Body>
  void enter(Body&& body) noexcept {
    call(std::forward<Body>(body));
    drain();
  }
  /// Sends an exception where those go that leave a callback.
  void uncaught(std::exception_ptr exception) noexcept;
  /// The same for one that has ended what was served and nothing else, as `error` says: without on_uncaught
  /// it is a line on standard error, a few a second.
  void contained(const std::exception_ptr& exception, const Error& error) noexcept;
  /// Prints a line where nobody has asked for the error that it tells.
  void report(std::string_view line) noexcept;
  /// Whether `run()` is about to return: who delivers many things one after the other leaves the rest for the
  /// next `run()`.
  [[nodiscard]] bool stopping() const noexcept;
  /// @{
  /// Keeps an object alive that still has something to finish after its owner let go; `let_go` ends that.
  /// What is left is destroyed with the loop.
  void keep(std::shared_ptr<void> object);
  void let_go(const void* object) noexcept;
  /// @}
  /// Keeps an object that is over, and holds so many bytes, for those who may still have a reference to it:
  /// until 1,024 more have come, or more than 8 MiB of them, or the loop is destroyed.
  void remember(std::shared_ptr<void> object, std::size_t bytes);
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
