#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "baton/cluster/worker_process.h"
#include "cluster/primary_machine.h"
#include "cluster/speakers_linux.h"
#include "loop/limited_reports.h"
#include "loop/slot.h"
#include "spawn/look_linux.h"
#include "spawn/rights_linux.h"

namespace baton::cluster {

/// What a worker may, as it was just looked at, together with those who speak for it.
struct Asker {
  std::optional<spawner::Rights> rights = {};  // nothing: that is not known
  bool has_all_ours = false;
  std::string why = {};  // it is not known
  std::vector<Sender> speakers = {};
};

struct WorkerProcess::State {
  State(Primary::State& owner, Loop& loop, WorkerId number, uint32_t place, spawner::Lane looks,
        ForkedChild& forked)
      : primary(owner),
        id(number),
        slot(place),
        lane(std::move(looks)),
        child(forked),
        reports(loop, [&loop, number](std::string_view line) {
          loop.report("worker " + std::to_string(number) + ": " + std::string(line));
        }) {}

  Primary::State& primary;
  const WorkerId id;
  const uint32_t slot;
  const spawner::Lane lane;  // for what it may hold
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
  spawner::Look query_look, signal_look;
  std::optional<Asker> asker;  // of the query that is heard
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
