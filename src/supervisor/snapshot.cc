#include "baton/supervisor/snapshot.h"

namespace baton::supervisor {

std::string_view name_of(State state) noexcept {
  switch (state) {
    case State::starting:
      return "starting";
    case State::running:
      return "running";
    case State::reloading:
      return "reloading";
    case State::draining:
      return "draining";
  }
  return "";
}

std::string_view name_of(WorkerState state) noexcept {
  switch (state) {
    case WorkerState::starting:
      return "starting";
    case WorkerState::ready:
      return "ready";
    case WorkerState::draining:
      return "draining";
    case WorkerState::backoff:
      return "backoff";
    case WorkerState::done:
      return "done";
  }
  return "";
}

}  // namespace baton::supervisor
