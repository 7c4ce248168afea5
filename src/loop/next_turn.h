#pragma once

#include <utility>

#include "baton/loop/loop.h"

namespace baton {

/// Calls back in the next turn of the loop: what is ready by then, and timers that are due, come before what
/// is asked for in the callback. Keeps the loop running until then.
class NextTurn {
 public:
  NextTurn() = default;
  NextTurn(Loop& loop, Callback callback);
  NextTurn(NextTurn&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  NextTurn& operator=(NextTurn&& other) noexcept {
    if (this != &other) {
      close();
      state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
  }
  ~NextTurn() { close(); }

  /// However often in a turn, it is called once in the next.
  void ask();
  /// Cuts the callback.
  void close() noexcept;
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  struct State;
  State* state_ = nullptr;
};

}  // namespace baton
