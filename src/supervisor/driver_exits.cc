// How a driver hears of the ends of workers, and tells them.
#include <utility>
#include <vector>

#include "base/excerpt.h"
#include "supervisor/driver.h"

namespace baton::supervisor {
namespace {

constexpr Time between_looks_at_ends = std::chrono::seconds(1);

}  // namespace

void Driver::on_exit(cluster::WorkerProcess& process, const ExitStatus& status) {
  if (services_stale_) see_services();
  WorkerRun* run = find(process);
  if (run == nullptr) return;
  const WorkerId id = run->id;
  if (run->notify) run->notify->read_last();
  // What it left behind has nothing to announce.
  run->notify.reset();
  run->check.reset();
  run->status = status;
  run->ended_at = now();
  run->uncaught = excerpt(process.process().uncaught());
  if (run->ended_well() && !run->told_at && options_.restart() != Restart::never) {
    look_behind(*run);
  }
  if (run->problems) run->problems->finish();
  ++exits_[{status.code(), status.signal()}];
  // It would be told nobody.
  if (run->told_at || machine_.ever_all_ready()) run->holder = {};
  // Its last words come before the news of its end.
  const auto heard = [weak = weak_from_this(), id] {
    const auto self = weak.lock();
    const auto found = self ? self->runs_.find(id) : Runs::iterator();
    if (!self || self->phase_ == Phase::over || found == self->runs_.end()) return;
    found->second.words_over = true;
    self->note_exit(found->second);
  };
  const auto output = outputs_.find(id);
  output == outputs_.end() ? heard() : output->second->read_rest(heard);
}

// As soon as it is known what there is to say of it.
void Driver::note_exit(WorkerRun& run) {
  if (run.behind || run.holder || !tell_exit(run)) return;
  const WorkerId id = run.id;
  pump();
  note_gone_if_over({id});
}

// What else happens, happens after it; but who holds what it could not have is worth a wait, unless all are
// to end.
void Driver::note_exits() {
  std::vector<WorkerId> over;
  for (auto& [id, run] : runs_) {
    if (run.holder && machine_.state() != State::draining) continue;
    if (tell_exit(run) && run.tree_over) over.push_back(id);
  }
  if (over.empty()) return;
  pump();
  note_gone_if_over(over);
}

// To the machine; whether it did not know.
bool Driver::tell_exit(WorkerRun& run) {
  if (!run.status || !run.words_over || std::exchange(run.end_told, true)) return false;
  run.behind = {};
  run.holder = {};
  machine_.exited(run.id, now(), run.status->code() != 0);
  return true;
}

// Its tree may have ended before its end was told.
void Driver::note_gone_if_over(const std::vector<WorkerId>& whom) {
  for (const WorkerId id : whom) {
    const auto found = runs_.find(id);
    if (found != runs_.end() && found->second.tree_over && !found->second.gone) note_gone(found->second);
  }
  pump();
}

void Driver::note_end(WorkerRun& run, const Action& action) {
  run.late = action.late;
  ended_because_[run.slot] = reason_it_ended(run);
  const bool started = run.start_error.empty();
  Event event(started ? EventKind::worker_exited : EventKind::start_failed);
  event.worker(run.slot, run.pid).text(why_it_ended(run, options_)).wait(action.wait);
  if (run.status) event.status(*run.status);
  tell_event(event);
  last_words_ = name_of(run) + ": " + event.text();
  if (machine_.ends_because() == run.id && end_words_.empty()) {
    end_words_ = started ? last_words_ : run.start_error;
    if (run.ended_well() && !run.ready_at) end_words_ += " (a job that ends by itself: --restart on-failure)";
  }
  if (options_.restart() != Restart::always && !action.wait && !run.told_at && !run.ended_well()) {
    failed_words_ = last_words_;
  }
  // Perhaps it could not have what another one listens on.
  if (!run.ready_at && !run.told_at && !own_ports_told_ && sockets_.empty() &&
      now() >= looked_at_ + between_looks_at_ends) {
    look_at_ports(0, [this] { (void)tell_of_own_ports(); });
  }
  // Where anybody was ever ready, there is a service that one worker alone shall not end.
  if (!run.listen_error.empty() && !run.told_at && !machine_.ever_ready()) {
    // The first one's, who was waited for until it was known who holds it.
    if (!std::exchange(listener_failed_, true)) end_words_ = run.listen_error;
    machine_.give_up(EndReason::listener_failed, run.id, now());
  }
  if (!started) {
    run.gone = true;
    forget_if_over(run.id);
  }
}

}  // namespace baton::supervisor
