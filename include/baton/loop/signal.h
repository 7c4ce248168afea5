#pragma once

#include <functional>

#include "baton/loop/loop.h"

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

}  // namespace baton
