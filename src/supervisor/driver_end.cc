// How a driver ends, and what can be seen of it meanwhile.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "spawn/look_linux.h"
#include "spawn/process_table_linux.h"
#include "spawn/tree_signal_linux.h"
#include "supervisor/driver.h"
#include "supervisor/duration_text.h"

namespace baton::supervisor {
namespace {

// For what the workers' descendants left behind, and for output that somebody still holds open.
constexpr Time last_wait = std::chrono::seconds(1);
constexpr Time look_again = std::chrono::milliseconds(5);
constexpr std::chrono::milliseconds last_look(1000);

void kill_descendants(const std::vector<spawner::ProcessEntry>& table, pid_t worker, bool ended) {
  // Once it has been collected its number may be a stranger's.
  const bool strange = ended && std::ranges::find(table, worker, &spawner::ProcessEntry::pid) != table.end();
  for (const spawner::ProcessEntry& one : spawner::tree_of(table, strange ? 0 : worker)) {
    (void)spawner::signal_process(one, SIGKILL);
  }
}

}  // namespace

std::string Driver::end_text(EndReason reason) const {
  switch (reason) {
    case EndReason::stopped:
      return "stopped";
    case EndReason::killed:
      return "killed";
    case EndReason::finished:
      return "every worker has ended, and none is started again";
    case EndReason::never_ready:
      return "no worker was ever ready; the last of " + std::to_string(MachineLimits::tries) +
             " tries: " + end_words_;
    case EndReason::gave_up:
      return std::to_string(options_.max_restarts()) + " unstable deaths of one worker within " +
             duration_text(RestartLimits::window) + "; the last: " + end_words_;
    case EndReason::listener_failed:
    case EndReason::not_found:
    case EndReason::not_executable:
    case EndReason::failed:
      break;
  }
  return end_words_;
}

void Driver::end_with(EndReason reason) {
  phase_ = Phase::finishing;
  last_call_ = net::LastCall();
  timer_.stop();
  memory_timer_.stop();
  files_timer_.stop();
  backlog_timer_.stop();
  look_timer_.stop();
  outsider_timer_.stop();
  end_.emplace(reason, end_text(reason));
  finish_by_ = now() + last_wait;
  port_looks_.clear();
  after_ports_.clear();
  memory_looks_.stop();
  news_timer_.stop();
  if (!orphans_ || reason == EndReason::killed) return finish();
  orphans_->look(SIGTERM, [this](const Orphans::Left&) { finish(); });
}

// What is still to be waited for has no event of its own: looks again and again, for a second.
void Driver::finish() {
  const bool patient = now() < finish_by_;
  if (!orphans_ || last_output_) return finish_outputs(patient);
  const bool kills = !patient || end_->reason() == EndReason::killed;
  orphans_->look(kills ? std::optional(SIGKILL) : std::nullopt, [this, patient](const Orphans::Left& left) {
    if (!orphans_are_left(patient, left)) return finish_outputs(now() < finish_by_);
    finish_timer_ = Timer(loop_, look_again, [this] { finish(); });
  });
}

bool Driver::orphans_are_left(bool patient, const Orphans::Left& left) {
  if (left.any && !*left.any) return false;
  if (patient && end_->reason() != EndReason::killed) return true;
  const Result<void>& sent = left.signalled;
  if (now() < finish_by_ + (sent ? spawner::TreeEnd::undying : spawner::TreeEnd::patience)) return true;
  tell_event(
      Event(EventKind::problem)
          .text("left behind: " + (sent ? std::string("descendants of workers that SIGKILL does not end")
                                        : std::string(sent.error().what()))));
  return false;
}

void Driver::finish_outputs(bool patient) {
  if (!outputs_.empty()) {
    if (!patient && !std::exchange(last_output_, true)) {
      for (auto& [id, output] : outputs_) output->finish();
    }
    finish_timer_ = Timer(loop_, look_again, [this] { finish(); });
    return;
  }
  loop_.defer([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->phase_ == Phase::over) return;
    self->release();
    self->on_end.fire_once(self->loop_, *self->end_);
  });
}

void Driver::release() {
  phase_ = Phase::over;
  last_call_ = net::LastCall();
  timer_.stop();
  memory_timer_.stop();
  files_timer_.stop();
  backlog_timer_.stop();
  look_timer_.stop();
  outsider_timer_.stop();
  finish_timer_.stop();
  services_timer_.stop();
  port_looks_.clear();
  after_ports_.clear();
  memory_looks_.stop();
  news_timer_.stop();
  outputs_.clear();
  runs_.clear();
  primary_.reset();
  sockets_ = ListenSockets();
  listen_watch_.close();
  orphans_.reset();
}

// There is no loop to come back to.
void Driver::end_descendants() {
  std::vector<std::pair<pid_t, bool>> whom;
  for (const auto& [id, run] : runs_) {
    if (run.pid != 0) whom.emplace_back(run.pid, run.collected());
  }
  if (!whom.empty()) {
    (void)spawner::look_now(spawner::Lane::trees(), last_look, [whom] {
      const auto table = spawner::all_processes();
      for (const auto& [pid, ended] : whom) {
        if (table) kill_descendants(*table, pid, ended);
      }
    });
  }
  for (auto& [id, run] : runs_) {
    if (run.process == nullptr || run.collected()) continue;
    signal(run, SIGKILL);
    // Whoever could not be seen.
    if (::getpgid(run.pid) == run.pid) ::kill(-run.pid, SIGKILL);
  }
  if (orphans_)
    (void)spawner::look_now(spawner::Lane::trees(), last_look, [] { (void)Orphans::signal(SIGKILL); });
}

void Driver::abandon() {
  on_event.clear();
  on_output.clear();
  on_end.clear();
  if (phase_ == Phase::over) return;
  end_descendants();
  phase_ = Phase::over;
  // The callback that runs may be one of what is destroyed by this.
  loop_.defer([self = shared_from_this()] { self->release(); });
}

// --- what can be seen

void Driver::pause_output() {
  output_paused_ = true;
  for (auto& [id, output] : outputs_) output->pause();
}

void Driver::resume_output() {
  output_paused_ = false;
  for (auto& [id, output] : outputs_) output->resume();
}

std::vector<std::string> Driver::listeners() const {
  std::vector<std::string> all = sockets_.addresses();
  if (!primary_) return all;
  std::set<std::string> known(all.begin(), all.end());
  for (const cluster::Listening& one : primary_->listeners()) {
    std::string address = one.to_string();
    if (!private_.contains(address) && known.insert(address).second) all.push_back(std::move(address));
  }
  return all;
}

Snapshot Driver::snapshot() const {
  Snapshot shot;
  shot.state_ = machine_.state();
  shot.wanted_ = machine_.wanted();
  shot.accepted_ = accepted_;
  for (const auto& info : machine_.workers()) {
    WorkerView view;
    view.slot_ = info.slot;
    view.state_ = info.state;
    view.restarts_ = info.restarts;
    view.ready_after_ = info.ready_after;
    const auto run = runs_.find(info.id);
    if (run != runs_.end() && run->second.pid != 0) {
      view.pid_ = run->second.pid;
      view.age_ = now() - run->second.started_at;
    }
    if (run != runs_.end() && run->second.process != nullptr) {
      const cluster::WorkerProcess& process = *run->second.process;
      view.connections_ = process.connections();
      if (const auto lag = process.lag()) {
        view.loop_lag_ = std::chrono::round<Time>(std::chrono::duration<double, std::milli>(*lag));
      }
      view.accepted_ = process.accepted();
    }
    shot.ready_ += view.state_ == WorkerState::ready ? 1 : 0;
    shot.workers_.push_back(view);
  }
  for (const auto& [id, run] : runs_) {
    if (run.process != nullptr) shot.accepted_[run.slot] += run.process->accepted();
  }
  shot.listeners_ = listeners();
  shot.stuck_ = stuck_;
  shot.reload_running_ = machine_.reload_running();
  shot.reloads_done_ = reloads_done_;
  shot.reloads_failed_ = reloads_failed_;
  shot.restarts_ = restarts_;
  for (const auto& [how, count] : exits_) {
    ExitCount one;
    std::tie(one.code_, one.signal_) = how;
    one.count_ = count;
    shot.exits_.push_back(one);
  }
  shot.ready_count_ = ready_count_;
  shot.ready_time_ = ready_time_;
  if (primary_) {
    shot.in_flight_ = primary_->in_flight();
    shot.requeued_ = primary_->requeued();
  }
  return shot;
}

}  // namespace baton::supervisor
