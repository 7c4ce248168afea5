#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "baton/cluster/policy.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "cluster/sticky_looks.h"
#include "cluster/sticky_value.h"
#include "loop/poll.h"

namespace baton::cluster {

/// Waits for the value of a sticky policy on a connection that was accepted, without reading what comes. The
/// descriptor stays its owner's, and open as long as this is.
class StickyLook {
 public:
  /// `done` is called once, from the loop: the value, or nothing if there is none, if the client has
  /// finished, or if 16 KiB or 1 s do not suffice. It may destroy this.
  StickyLook(Loop& loop, std::shared_ptr<StickyLooks> looks, int descriptor, const Policy& policy,
             std::move_only_function<void(std::optional<std::string_view>)> done);
  StickyLook(const StickyLook&) = delete;
  StickyLook& operator=(const StickyLook&) = delete;
  ~StickyLook();

 private:
  friend class StickyLooks;
  void look();
  [[nodiscard]] bool nothing_new() const;
  void finish(std::optional<std::string_view> value);

  std::shared_ptr<StickyLooks> looks_;
  StickyLooks::Seat seat_;
  int descriptor_;
  StickyValue value_;
  std::move_only_function<void(std::optional<std::string_view>)> done_;
  std::size_t seen_ = 0;
  bool late_ = false;
  Poll poll_;
  Timer deadline_;
};

}  // namespace baton::cluster
