// How a storm ends: the faults stop, everything comes to rest, everybody says goodbye, and the book is
// closed.
#include <algorithm>
#include <string>
#include <utility>

#include "sim/channel_storm_run.h"

namespace baton::sim {

void ChannelStorm::calm_down() {
  calm_ = true;
  model_.faults = {};
  model_.privileged = true;
  for (Pid pid = 0; pid < model_.process_count(); ++pid) {
    model_.set_limit(pid, roomy);
    if (model_.stopped(pid)) model_.resume(pid);
  }
  for (const auto& link : links_) {
    if (link->lies && link->ends[1]->alive()) kill(link->ends[1]->pid());
  }
}

void ChannelStorm::come_to_rest() {
  for (int rounds = 0; book_.first_wrong().empty(); ++rounds) {
    if (rounds == 3000) return wrong("it does not come to rest");
    ++now_;
    if (round()) continue;
    std::uint64_t next = Peer::never;
    for (const auto& link : links_) {
      for (const auto& end : link->ends) {
        if (end->running()) next = std::min(next, end->due());
      }
    }
    if (next == Peer::never) return;
    now_ = std::max(now_, next);
  }
}

bool ChannelStorm::round() {
  bool moved = false;
  for (const auto& link : links_) {
    for (const std::size_t side : {0U, 1U}) {
      see_death(*link, side);
      Peer& end = *link->ends[side];
      if (end.running() && run_end(end)) moved = true;
      if (link->ended[side] && end.running() && end.accepts()) disconnect(*link, side);
    }
  }
  check();
  return serve_all() || moved;
}

bool ChannelStorm::run_end(Peer& peer) {
  bool moved = false;
  for (const Act act : acts) {
    for (int i = 0; i < 20 && peer.ready(act); ++i) {
      peer.act(act);
      moved = true;
    }
  }
  return moved;
}

bool ChannelStorm::serve_all() {
  const bool any = !held_.empty();
  for (std::size_t i = held_.size(); i-- > 0;) {
    // What the primary has it may hand over a last time, when somebody takes it.
    if (held_[i].pid == primary && !held_[i].read && below(2) == 1) give_away(i);
    if (i < held_.size()) work(i);
  }
  return any;
}

void ChannelStorm::check_undisturbed() {
  if (!book_.first_wrong().empty()) return;
  for (const auto& link : links_) {
    if (!link->undisturbed()) continue;
    for (const std::size_t side : {0U, 1U}) {
      if (!link->ends[side]->idle()) wrong("an end that nothing disturbs has not settled everything");
      if (link->ends[side]->waits()) wrong("a question about sockets was never answered");
      if (!book_.all_delivered(link->streams[side])) wrong("a message waits though nothing disturbs it");
    }
  }
}

/// Everybody says goodbye; who holds something in doubt has its holder killed; the primary leaves last but
/// for the workers that wait for its death.
void ChannelStorm::finish() {
  const std::uint32_t first = below(3);
  for (const auto& link : links_) {
    for (const std::size_t side : {0U, 1U}) {
      if (link->ends[side]->running() && (first == side || first == 2)) disconnect(*link, side);
    }
  }
  come_to_rest();
  if (!book_.first_wrong().empty()) return;
  for (const auto& link : links_) {
    if (link->ends[0]->in_doubt() && link->ends[1]->alive()) kill(link->ends[1]->pid());
  }
  come_to_rest();
  if (!book_.first_wrong().empty()) return;
  if (model_.alive(primary) && !links_.empty()) {
    for (const auto& link : links_) {
      if (link->ends[0]->open()) wrong("a channel of the primary does not close");
      if (link->ends[1]->alive() && link->ends[1]->open()) wrong("a channel of a worker does not close");
    }
    if (model_.open_descriptors(primary) != 0) wrong("the primary has descriptors left");
  }
  bool waiting = false;
  for (const auto& link : links_) {
    waiting = waiting || (link->ends[1]->alive() && link->ends[1]->in_doubt());
  }
  if (waiting && model_.alive(primary)) kill(primary);
  come_to_rest();
  if (!book_.first_wrong().empty()) return;
  book_.check_the_end();
  for (Pid pid = 1; pid < model_.process_count(); ++pid) {
    if (model_.alive(pid) && model_.open_descriptors(pid) != 0) wrong("a worker has descriptors left");
  }
  if (model_.in_flight() != 0) wrong("descriptors are in flight with nobody to receive them");
}

void ChannelStorm::check() {
  if (!model_.violation().empty()) wrong(model_.violation());
  for (const auto& link : links_) {
    for (const auto& end : link->ends) {
      if (end->alive()) {
        if (std::string said = end->outgrown(); !said.empty()) wrong(std::move(said));
      }
    }
  }
}

}  // namespace baton::sim
