#include "sim/coverage.h"

namespace baton::sim {

std::string_view name_of(Met event) {
  static constexpr std::array<std::string_view, met_count> names{
      "two Batons recognised each other",
      "a handle was refused",
      "a refused handle was offered again",
      "a handle came back after four refusals",
      "a handle came back after its holder's death",
      "a handle came back that had never left",
      "a handle was in doubt",
      "a write with a descriptor took only some bytes",
      "a descriptor was cut off",
      "killed between receiving a handle and its ACK",
      "killed between the ACK and the delivery",
      "killed with unread input",
      "the primary was killed",
      "the end was a reset",
      "an output broke",
      "disconnect() with messages queued",
      "disconnect() with handles on offer",
      "a handle came after the end",
      "a message was sent after the peer's half-close",
      "a worker sent a connection back",
      "the offers were at their limit",
      "the queue was full",
      "too many references in flight",
      "stopped while it held handles",
      "Node refused a handle",
      "Node offered again, wrapped twice",
      "Node died before its ACK was in the kernel",
      "the input of a bad peer was refused",
      "a descriptor was claimed by no message",
      "an answer came that nothing waited for",
      "the sender heard that all sockets are closed",
      "an offer was refused",
      "our copy of an offer outlived its ACK",
      "an offer was taken back after its holder's death",
      "an offer was taken out of the queue",
      "an internal message overtook messages that nobody took",
      "a reload was done",
      "a reload failed",
      "a reload was asked for during one",
      "more or fewer workers were asked for during a reload",
      "a worker closed its channel and lived on",
      "a worker had not stopped in time",
      "a worker was not ready in time",
      "the supervisor gave up",
      "no worker was ever ready",
  };
  return names[static_cast<std::size_t>(event)];
}

std::array<std::uint64_t, met_count>& coverage() {
  static std::array<std::uint64_t, met_count> counters{};
  return counters;
}

}  // namespace baton::sim
