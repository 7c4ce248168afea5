#include "supervisor/worker_life.h"

#include <algorithm>

namespace baton::supervisor {
namespace {

bool reached(const std::optional<Time>& moment, Time now) { return moment && *moment <= now; }

}  // namespace

WorkerLife::WorkerLife(const LifeLimits& limits, Time now) : limits_(limits), started_at_(now) {}

WorkerLife::Do WorkerLife::ready(Time now) {
  if (stage_ != Stage::starting) return Do::nothing;
  stage_ = Stage::ready;
  ready_at_ = now;
  return Do::become_ready;
}

void WorkerLife::leave(Time now) {
  stage_ = Stage::leaving;
  kill_at_ = now + limits_.kill_timeout;
  if (channel_closed_at_) terminate_at_ = now + LifeLimits::after_channel;
}

WorkerLife::Do WorkerLife::tell(Time now) {
  if (stage_ != Stage::starting && stage_ != Stage::ready) return Do::nothing;
  leave(now);
  if (online_ && !channel_closed_at_) return Do::tell;
  // Nobody would hear the message. To many a program a second SIGTERM means to drop everything.
  terminated_ = true;
  return Do::terminate;
}

// A program outside the protocol may close what it does not know.
std::optional<Time> WorkerLife::leaves_at() const noexcept {
  if (!online_ || !channel_closed_at_) return std::nullopt;
  return *channel_closed_at_ + LifeLimits::own_leave;
}

void WorkerLife::channel_closed(Time now) {
  if (channel_closed_at_) return;
  channel_closed_at_ = now;
  if (stage_ == Stage::leaving) terminate_at_ = now + LifeLimits::after_channel;
}

WorkerLife::Do WorkerLife::kill(Time now) {
  if (stage_ == Stage::leftovers) {
    kill_at_.reset();
    return Do::kill_tree;
  }
  if (stage_ == Stage::killed) return Do::nothing;
  stage_ = Stage::killed;
  kill_at_ = now;
  return Do::kill_tree;
}

WorkerLife::Do WorkerLife::exited(Time now) {
  if (stage_ == Stage::leftovers) return Do::nothing;
  const bool killed = stage_ == Stage::killed;
  stage_ = Stage::leftovers;
  if (killed) return Do::kill_tree;
  if (!kill_at_) kill_at_ = now + limits_.kill_timeout;
  return Do::sweep;
}

WorkerLife::Do WorkerLife::tick(Time now) {
  if ((stage_ == Stage::starting || stage_ == Stage::ready) && reached(leaves_at(), now)) {
    leave(now);
    return Do::leave;
  }
  switch (stage_) {
    case Stage::starting:
      if (limits_.ready_when_alive && reached(started_at_ + *limits_.ready_when_alive, now)) {
        return ready(now);
      }
      if (!reached(started_at_ + limits_.listen_timeout, now)) return Do::nothing;
      late_ = true;
      return kill(now);
    case Stage::leaving:
      if (reached(kill_at_, now)) return kill(now);
      if (!reached(terminate_at_, now) || terminated_) return Do::nothing;
      terminated_ = true;
      return Do::terminate;
    case Stage::leftovers:
      return reached(kill_at_, now) ? kill(now) : Do::nothing;
    case Stage::ready:
    case Stage::killed:
      break;
  }
  return Do::nothing;
}

std::optional<Time> WorkerLife::due() const noexcept {
  switch (stage_) {
    case Stage::starting:
      return std::min(
          started_at_ + std::min(limits_.listen_timeout, limits_.ready_when_alive.value_or(Time::max())),
          leaves_at().value_or(Time::max()));
    case Stage::ready:
      return leaves_at();
    case Stage::leaving:
      if (terminate_at_ && !terminated_) return std::min(*terminate_at_, *kill_at_);
      return kill_at_;
    case Stage::leftovers:
      return kill_at_;
    case Stage::killed:
      break;
  }
  return std::nullopt;
}

}  // namespace baton::supervisor
