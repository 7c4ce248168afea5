#pragma once

#include <optional>

#include "supervisor/supervisor_machine.h"

namespace baton::sim {

/// A worker's process, as far as a supervisor sees it.
struct Process {
  unsigned slot = 0;
  bool speaks = true;  // the cluster's protocol
  bool ready = false;
  bool told = false;
  bool retired = false;  // it listens no more
  bool asked = false;    // to end, in whatever way
  bool closed = false;
  bool ended = false;
  bool obeys = true;         // a message to stop
  bool terminates = true;    // on SIGTERM
  bool leaves_more = false;  // descendants that only SIGKILL ends
  bool fails = true;         // when it ends by itself
  bool early = true;         // no worker of its slot has shown more than being alive
  bool holds_port = false;
  bool renews = false;  // for a reload
  supervisor::Sign says = supervisor::Sign::listening;
  std::optional<supervisor::Time> online_at, ready_at, closes_at, ends_at, gone_at, signalled_at;
};

}  // namespace baton::sim
