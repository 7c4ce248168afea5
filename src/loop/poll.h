#pragma once

#include <functional>
#include <utility>

#include "baton/loop/loop.h"

namespace baton {

/// Watches a descriptor that somebody else owns and closes, which he may do only after this is gone. Nothing
/// is watched until `want`, and until then this costs the kernel nothing.
class Poll {
 public:
  /// As libuv has them. `broken`: an error, for who does not read; urgent data counts as one, so have a look.
  enum Events : int { nothing = 0, readable = 1, writable = 2, broken = 8 };

  Poll() = default;
  /// `callback` gets the events that are due. An error or hang-up counts as every event that was wanted: the
  /// caller learns the cause from the read or write that it then tries.
  Poll(Loop& loop, int descriptor, std::move_only_function<void(int)> callback);
  Poll(Poll&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Poll& operator=(Poll&& other) noexcept {
    if (this != &other) {
      close();
      state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
  }
  ~Poll() { close(); }

  /// The first time something is wanted the descriptor is made non-blocking, and an Error is thrown if the
  /// kernel cannot watch it.
  void want(int events);
  [[nodiscard]] int wanted() const noexcept;
  void close() noexcept;
  void ref();
  void unref();
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  struct State;
  State* state_ = nullptr;
};

}  // namespace baton
