#pragma once

#include <concepts>
#include <functional>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/loop/op.h"

namespace baton {

/// Calls back, from the loop, each time the process receives a signal; mirrors `process.on('SIGTERM', ...)`.
/// While one exists for a signal, the signal's default action does not happen. Several may watch the same
/// signal. A watcher does not keep `Loop::run` from returning, unless ref'd.
class SignalWatcher {
 public:
  SignalWatcher() = default;
  /// Watches `signal_number` (SIGTERM, ...). Throws `Error` for a signal that cannot be watched.
  SignalWatcher(Loop& loop, int signal_number, Handler<int> callback);
  /// @{
  /// Moves; the other is empty afterwards.
  SignalWatcher(SignalWatcher&& other) noexcept;
  SignalWatcher& operator=(SignalWatcher&& other) noexcept;
  /// @}
  ~SignalWatcher();

  /// Cuts the callback; with the last watcher of a signal its former action is back.
  void stop() noexcept;
  /// @{
  /// Whether it keeps the loop running; it does not until `ref`.
  SignalWatcher& ref();
  SignalWatcher& unref();
  /// @}

 private:
  struct State;
  State* state_ = nullptr;
};

namespace detail {
/// `next_signal` of a list.
Op<int> next_signal_of(Loop& loop, const std::vector<int>& signals);
}  // namespace detail

/// The number of the next of these signals that the process receives. Until then their default actions do not
/// happen, and the loop runs on; so it is what a service waits for:
///
///     auto server = http::serve(net::listen(loop, 8080), handler);
///     co_await next_signal(loop, SIGTERM, SIGINT);
///     co_await server.drain(10s);
///
/// Giving the wait up, or dropping the Op, ends that. Throws `Error` for a signal that cannot be watched.
/// Mirrors `events.once(process, 'SIGTERM')`.
template <std::same_as<int>... Signals>
[[nodiscard]] Op<int> next_signal(Loop& loop, int signal_number, Signals... others) {
  std::vector<int> signals{signal_number, others...};
  return detail::next_signal_of(loop, signals);
}

}  // namespace baton
