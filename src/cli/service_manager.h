#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "baton/supervisor/event.h"
#include "baton/supervisor/snapshot.h"

namespace baton::cli {

// Tells who has started this service how it is, where that is systemd or speaks as it does (sd_notify(3)):
// READY, RELOADING, STOPPING, STATUS, EXTEND_TIMEOUT_USEC while it drains, and WATCHDOG. Nothing without
// NOTIFY_SOCKET.
class ServiceManager {
 public:
  explicit ServiceManager(Loop& loop);

  [[nodiscard]] bool listens() const noexcept { return static_cast<bool>(socket_); }
  // After what has happened; `now` is how it is since.
  void follow(const supervisor::Event& event, const supervisor::Snapshot& now);

 private:
  void say(std::string_view text);
  void begin_watchdog(Loop& loop);
  void begin_draining();

  Loop& loop_;
  std::string address_;  // as the kernel has it
  Fd socket_;
  Timer watchdog_;
  Timer patience_;
  std::string status_;
  bool ready_ = false;
};

}  // namespace baton::cli
