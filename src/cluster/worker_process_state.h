#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "baton/cluster/worker_process.h"
#include "cluster/primary_machine.h"
#include "loop/slot.h"

namespace baton::cluster {

struct WorkerProcess::State {
  State(Primary::State& owner, WorkerId number, uint32_t place, ForkedChild& forked)
      : primary(owner), id(number), slot(place), child(forked) {}

  Primary::State& primary;
  const WorkerId id;
  const uint32_t slot;
  ForkedChild& child;
  WorkerProcess face{*this};
  std::unordered_map<uint64_t, ConnectionId> offers;
  std::vector<Listening> listening;
  PrimaryMachine::WorkerView last_view;  // once the machine has forgotten it
  bool dead = false;
  bool disconnected = false;

  [[nodiscard]] PrimaryMachine::WorkerView view() const;

  Slot<> on_online, on_disconnect;
  Slot<const Listening&> on_listening;
  Slot<const ExitStatus&> on_exit, on_close;
  Slot<Message> on_message;
  Slot<const Error&> on_error;
};

}  // namespace baton::cluster
