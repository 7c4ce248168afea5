// What descends from a worker, until nothing is left of it.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spawn/own_children.h"
#include "spawn/process_table_linux.h"
#include "supervisor/driver.h"
#include "supervisor/worker_mark.h"

namespace baton::supervisor {
namespace {

// An end is told so much later at most, for this.
constexpr std::chrono::milliseconds behind_patience(500);

}  // namespace

spawner::TreeEnd& Driver::tree_of(WorkerRun& run) {
  if (!run.tree) {
    const WorkerId id = run.id;
    spawner::TreeEnd::Leader leader{run.pid, [&run] { return run.collected(); },
                                    [&run](int signal_number) -> Result<bool> {
                                      if (run.process == nullptr) return false;
                                      try {
                                        return run.process->kill(signal_number);
                                      } catch (const Error& error) {
                                        return std::unexpected(error);
                                      }
                                    },
                                    [weak = weak_from_this(), id](const spawner::ProcessEntry& one,
                                                                  const std::optional<std::string>& claimed) {
                                      const auto self = weak.lock();
                                      return self && self->orphans_ && self->is_left_by(id, one, claimed);
                                    },
                                    std::string(worker_mark)};
    run.tree = std::make_unique<spawner::TreeEnd>(loop_, std::move(leader),
                                                  [weak = weak_from_this(), id](const Result<void>& outcome) {
                                                    if (const auto self = weak.lock())
                                                      self->tree_over(id, outcome);
                                                  });
  }
  return *run.tree;
}

// An orphan that left the session of whom it descends from says whose it is by its environment. If that names
// nobody who can have started it and is still to look for it, it is of a dead worker when no living one is
// old enough to have started it.
bool Driver::is_left_by(WorkerId id, const spawner::ProcessEntry& orphan,
                        const std::optional<std::string>& claimed) const {
  const auto run = std::ranges::find_if(runs_, [&](const auto& one) {
    return one.second.mark == claimed && one.second.started <= orphan.started && !one.second.tree_over;
  });
  if (run != runs_.end()) return run->first == id;
  const auto beside = program_beside();
  if (beside && *beside <= orphan.started && claimed == mark_of_worker(::getpid(), 0)) return false;
  // What was there before it is no worker's: an entrypoint has started it, and then become this program.
  const auto dead = runs_.find(id);
  if (dead == runs_.end() || orphan.started < dead->second.started) return false;
  return std::ranges::none_of(
      runs_, [&](const auto& one) { return one.second.lives() && one.second.started <= orphan.started; });
}

// Who has put itself into the background leaves the one who did it.
void Driver::look_behind(WorkerRun& run) {
  if (run.ready_at && now() - *run.ready_at >= options_.min_uptime()) return;
  const auto left = std::make_shared<std::vector<spawner::ProcessEntry>>();
  const auto job = [left, pid = run.pid, started = run.started, adopts = orphans_ != nullptr] {
    const auto table = spawner::all_processes();
    if (!table) return;
    *left = spawner::tree_of(*table, pid);
    std::erase_if(*left, &spawner::ProcessEntry::ended);
    if (!left->empty() || !adopts) return;
    // What it says of itself is not asked here: that may take its time.
    std::ranges::copy_if(*table, std::back_inserter(*left), [&](const spawner::ProcessEntry& one) {
      return !one.ended() && spawner::is_adopted(one) && one.started >= started;
    });
  };
  run.behind = spawner::Look(loop_, spawner::Lane::trees(), behind_patience, job,
                             [this, left, id = run.id](const Result<void>& in_time) {
                               const auto self = shared_from_this();
                               const auto found = runs_.find(id);
                               if (found == runs_.end()) return;
                               if (in_time) found->second.in_background = goes_on_behind(*left);
                               note_exit(found->second);
                             });
}

std::string Driver::goes_on_behind(const std::vector<spawner::ProcessEntry>& left) const {
  // Children that were started meanwhile are none.
  const auto alive = std::ranges::find_if_not(
      left, [](const spawner::ProcessEntry& one) { return spawner::is_own_child(one.pid); });
  return alive == left.end() ? std::string() : "process " + std::to_string(alive->pid);
}

void Driver::tree_over(WorkerId id, const Result<void>& outcome) {
  note_exits();
  const auto found = runs_.find(id);
  if (phase_ == Phase::over || found == runs_.end()) return;
  WorkerRun& run = found->second;
  if (!outcome) {
    tell_event(Event(EventKind::problem).worker(run.slot, run.pid).text(outcome.error().what()));
  }
  if (!run.collected()) {
    // It may not be killed, or the kernel holds it. Nobody waits for it any longer; its end may come yet.
    run.tree.reset();
    run.notify.reset();
    run.check.reset();
    run.left_behind = true;
    run.ended_at = now();
    run.end_told = true;
    machine_.exited(id, now());
  } else {
    note_gone(run);
  }
  pump();
}

// Nobody is left who had to do with it. Whoever still holds its output open has no claim on us.
void Driver::note_gone(WorkerRun& run) {
  run.tree_over = true;
  if (!run.end_told) return;
  machine_.gone(run.id, now());
  run.gone = true;
  const auto output = outputs_.find(run.id);
  if (output != outputs_.end()) output->second->finish();
  forget_if_over(run.id);
}

void Driver::kill_tree(WorkerRun& run) {
  if (run.pid == 0) return;  // it was never started
  if (run.left_behind) return note_gone(run);
  run.killed = true;
  if (run.told_at && !run.collected()) (killing_ ? run.killed_at_once : run.killed_for_time) = true;
  tree_of(run).kill();
}

void Driver::sweep(WorkerRun& run) {
  // Whatever it left behind is ours by now.
  tree_of(run).ask();
}

}  // namespace baton::supervisor
