#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "baton/cluster/worker_process.h"
#include "cluster/primary_machine.h"
#include "cluster/speakers_linux.h"
#include "loop/limited_reports.h"
#include "loop/slot.h"

namespace baton::cluster {

struct WorkerProcess::State {
  State(Primary::State& owner, Loop& loop, WorkerId number, uint32_t place, ForkedChild& forked)
      : primary(owner),
        id(number),
        slot(place),
        child(forked),
        reports(loop, [number](std::string_view line) {
          std::fprintf(stderr, "baton: worker %u: %.*s\n", number, static_cast<int>(line.size()),
                       line.data());
        }) {}

  Primary::State& primary;
  const WorkerId id;
  const uint32_t slot;
  ForkedChild& child;
  const std::shared_ptr<ForkedChild> kept = child.shared_from_this();
  WorkerProcess face{*this};
  std::unordered_map<uint64_t, ConnectionId> offers;
  std::vector<Listening> listening;
  LimitedReports reports;                // unless somebody listens for errors
  PrimaryMachine::WorkerView last_view;  // once the machine has forgotten it
  std::optional<Speakers> speakers;      // while it lives
  std::size_t unsent_answers = 0;        // to what it asked, not in the kernel yet
  std::size_t unanswered_shares = 0;     // of listeners; each is a descriptor
  bool dead = false;
  bool disconnected = false;
  bool forgets = false;  // where it listened first

  [[nodiscard]] PrimaryMachine::WorkerView view() const;
  /// It is over, and nobody is told of it any more.
  void cut();
  /// False: it is the first that an older one is forgotten for.
  bool remember(const Listening& where);

  Slot<> on_online, on_signalled, on_disconnect;
  Slot<const Listening&> on_listening;
  Slot<const ExitStatus&> on_exit, on_close;
  Slot<Message> on_message;
  Slot<const Error&> on_error;
};

}  // namespace baton::cluster
