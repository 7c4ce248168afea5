#include "baton/supervisor/event.h"

#include "supervisor/duration_text.h"

namespace baton::supervisor {
namespace {

std::string worker_of(const Event& event) {
  std::string text = "worker " + std::to_string(event.slot());
  if (event.pid() != 0) text += " (pid " + std::to_string(event.pid()) + ")";
  return text;
}

std::string count_of(unsigned workers) {
  return std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

std::string next_start(const Event& event) {
  return event.wait() ? "; next start in " + duration_text(*event.wait()) : "";
}

}  // namespace

std::string_view name_of(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::worker_started:
      return "worker_started";
    case EventKind::worker_ready:
      return "worker_ready";
    case EventKind::worker_told:
      return "worker_told";
    case EventKind::worker_exited:
      return "worker_exited";
    case EventKind::start_failed:
      return "start_failed";
    case EventKind::listening:
      return "listening";
    case EventKind::reload_started:
      return "reload_started";
    case EventKind::reload_done:
      return "reload_done";
    case EventKind::reload_failed:
      return "reload_failed";
    case EventKind::scaled:
      return "scaled";
    case EventKind::draining:
      return "draining";
    case EventKind::killing:
      return "killing";
    case EventKind::notice:
      return "notice";
    case EventKind::problem:
      return "problem";
  }
  return "";
}

std::string Event::describe() const {
  switch (kind_) {
    case EventKind::worker_started:
      return worker_of(*this) + " started";
    case EventKind::worker_ready:
      return worker_of(*this) + " ready after " + duration_text(took_) + (text_.empty() ? "" : ", " + text_);
    case EventKind::worker_told:
      return worker_of(*this) + " told to stop";
    case EventKind::worker_exited:
    case EventKind::start_failed:
      return worker_of(*this) + ": " + text_ + next_start(*this);
    case EventKind::listening:
      return "listening on " + address_ + " (" + count_of(workers_) + ")";
    case EventKind::reload_started:
      return "reload";
    case EventKind::reload_done:
      return "reload done";
    case EventKind::reload_failed:
      return "reload failed: " + text_;
    case EventKind::scaled:
      return "scaled to " + count_of(workers_);
    case EventKind::draining:
      return "draining";
    case EventKind::killing:
      return "killing all workers";
    case EventKind::notice:
    case EventKind::problem:
      return (slot_ == 0 ? "" : worker_of(*this) + ": ") + text_;
  }
  return {};
}

}  // namespace baton::supervisor
