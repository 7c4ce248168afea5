#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "baton/loop/loop.h"

namespace baton::net {

/// @{
/// From now on a TCP listener lets nobody new in: a SYN is dropped, and comes again a second later, when the
/// port is closed, or somebody else's. Who was let in waits as before, and whose SYN was answered still gets
/// in. Holds for every copy of the socket until it is taken back. Nothing happens to other kinds: the file of
/// a Unix-domain socket is for its owner to remove.
void turn_newcomers_away(int listener) noexcept;
void let_newcomers_in(int listener) noexcept;
/// @}
/// Whether somebody stands in the backlog.
[[nodiscard]] bool somebody_waits(int listener) noexcept;

/// The end of a service whose listeners let nobody new in: waits until they are empty, so that the last
/// copies can be closed without a reset for anybody. Somebody has to accept meanwhile.
class LastCall {
 public:
  /// A handshake that is under way may take so long.
  static constexpr std::chrono::milliseconds quiet{10};
  static constexpr std::chrono::milliseconds patience{500};

  LastCall() = default;
  /// Asks `busy` again and again whether anybody waits. `over` is called once, from the loop.
  LastCall(Loop& loop, std::move_only_function<bool()> busy, Callback over);

  /// Whether `over` is still to come.
  explicit operator bool() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace baton::net
