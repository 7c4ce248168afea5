// How a cluster's storm ends: the faults stop, a healthy worker is there, every client is served, everybody
// leaves.
#include <algorithm>
#include <string>
#include <utility>

#include "sim/cluster_storm_run.h"
#include "sim/coverage.h"

namespace baton::sim {
namespace {

constexpr std::uint32_t enough_descriptors = 4000;
constexpr int most_rounds = 6000;

}  // namespace

void ClusterStorm::calm_down() {
  model_.faults = {};
  model_.privileged = true;
  primary_->fail_to_open = false;
  for (Pid pid = 0; pid < model_.process_count(); ++pid) {
    model_.set_limit(pid, enough_descriptors);
    if (model_.stopped(pid)) model_.resume(pid);
  }
  start_worker(1, false);
  for (const auto& member : members_) {
    if (member->worker->running()) member->worker->max_connections(std::nullopt);
  }
  for (int i = 0; i < 3; ++i) client();
  // Who was asked something while it could not hear, or behind a handle that it refused, may still be killed
  // for it; nobody from then on.
  for (int i = 0; i < 60; ++i) {
    now_ += 25;
    round();
  }
  calm_ = true;
}

void ClusterStorm::come_to_rest() {
  for (int rounds = 0; book_.first_wrong().empty() && !rests(); ++rounds) {
    if (rounds == most_rounds) {
      const int number = book_.first_unsettled();
      return wrong(number >= 0 ? book_.describe(number) + ": it waits for ever" : "it does not come to rest");
    }
    ++now_;
    if (round()) continue;
    std::uint64_t next = primary_->due();
    for (const auto& member : members_) {
      if (!member->worker->running()) continue;
      next = std::min({next, member->worker->due(), member->worker->wire().due()});
    }
    if (next != Peer::never) now_ = std::max(now_, next);
  }
}

bool ClusterStorm::rests() {
  if (!book_.all_settled()) return false;
  return primary_->connections() == 0 && std::ranges::none_of(members_, [](const auto& one) {
           return one->worker->alive() && one->worker->has_work();
         });
}

bool ClusterStorm::round() {
  bool moved = false;
  for (const auto& member : members_) {
    see_death(*member);
    for (const Act act : acts) {
      for (int i = 0; i < 20 && primary_->act(member->id, act); ++i) moved = true;
    }
    ClusterWorker& worker = *member->worker;
    for (int i = 0; i < 20 && worker.running() && run_member(*member); ++i) moved = true;
    if (!worker.running()) continue;
    if (worker.due() <= now_) worker.timer();
    if (!leaving_ && book_.first_wrong().empty()) {
      for (const int port : ports_) worker.listen(port);
    }
    if (worker.accept() || worker.work()) moved = true;
  }
  if (primary_->machine_due() <= now_) primary_->timer();
  for (int i = 0; i < 3 && primary_->accept(); ++i) moved = true;
  while (primary_->look() || primary_->open_one()) moved = true;
  check();
  return moved;
}

void ClusterStorm::leave_all() {
  if (!book_.first_wrong().empty()) return;
  leaving_ = true;
  for (const auto& member : members_) primary_->disconnect(member->id, below(2) == 1);
  const auto all_gone = [this] {
    return std::ranges::all_of(members_, [this](const auto& one) {
      return (one->worker->mad() || !one->worker->alive()) && !primary_->channel_open(one->id);
    });
  };
  for (int rounds = 0; book_.first_wrong().empty() && !all_gone(); ++rounds) {
    if (rounds == most_rounds) return wrong("a worker does not leave");
    ++now_;
    if (round()) continue;
    now_ = std::max(now_, std::min(primary_->due(), now_ + 50));
  }
  if (!book_.first_wrong().empty()) return;
  for (const auto& member : members_) {
    if (member->worker->mad()) kill(*member, 9);
  }
  for (int i = 0; i < 10; ++i) round();
  for (const auto& member : members_) {
    if (!primary_->gone(member->id)) wrong("a dead worker is remembered");
  }
  const bool outlived = !primary_->listeners().empty();
  if (outlived) met(Met::cluster_listener_outlived_its_workers);
  primary_->close_listeners();
  if (!book_.first_wrong().empty()) return;
  if (model_.open_descriptors(0) != 0) wrong("the primary has descriptors left");
  if (model_.in_flight() != 0) wrong("descriptors are in flight with nobody to receive them");
  for (int number = 0; number < model_.connection_count(); ++number) {
    if (!book_.settled(number)) wrong("a connection has no fate");
  }
}

// Its workers end what they have and go.
void ClusterStorm::primary_dies() {
  if (!book_.first_wrong().empty()) return;
  met(Met::cluster_primary_killed);
  for (int i = 0; i < 3; ++i) client();
  for (std::uint32_t i = below(30); i > 0; --i) io();
  model_.kill(0, 9);
  const auto all_gone = [this] {
    return std::ranges::all_of(members_,
                               [](const auto& one) { return one->worker->mad() || !one->worker->alive(); });
  };
  for (int rounds = 0; book_.first_wrong().empty() && !all_gone(); ++rounds) {
    if (rounds == most_rounds) return wrong("a worker outlives its primary");
    ++now_;
    for (const auto& member : members_) {
      ClusterWorker& worker = *member->worker;
      if (worker.running()) (void)run_member(*member);
      if (worker.running() && worker.due() <= now_) worker.timer();
      (void)worker.work();
    }
  }
  for (const auto& member : members_) {
    if (member->worker->mad()) kill(*member, 9);
  }
}

}  // namespace baton::sim
