#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "baton/cluster/policy.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "cluster/sticky_value.h"
#include "loop/poll.h"

namespace baton::cluster {

/// Waits for the value of a sticky policy on a connection that was accepted, without reading what comes. The
/// descriptor stays its owner's, and open as long as this is.
class StickyLook {
 public:
  /// `done` is called once, from the loop: the value, or nothing if there is none, if the client has
  /// finished, or if 16 KiB or 1 s do not suffice. It may destroy this.
  StickyLook(Loop& loop, int descriptor, const Policy& policy,
             std::move_only_function<void(std::optional<std::string_view>)> done);
  StickyLook(const StickyLook&) = delete;
  StickyLook& operator=(const StickyLook&) = delete;

 private:
  void look();
  void finish(std::optional<std::string_view> value);

  Loop& loop_;
  int descriptor_;
  StickyValue value_;
  std::move_only_function<void(std::optional<std::string_view>)> done_;
  Poll poll_;
  Timer again_;
  Timer deadline_;
};

}  // namespace baton::cluster
