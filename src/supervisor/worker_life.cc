#include "supervisor/worker_life.h"

#include <algorithm>

namespace baton::supervisor {
namespace {

bool reached(const std::optional<Time>& moment, Time now) { return moment && *moment <= now; }

std::optional<Time> earlier(const std::optional<Time>& one, const std::optional<Time>& other) {
  if (!one || !other) return one ? one : other;
  return std::min(*one, *other);
}

std::optional<Time> after(const std::optional<Time>& moment, const std::optional<Time>& time) {
  return moment && time ? std::optional(*moment + *time) : std::nullopt;
}

// 0 is never.
std::optional<Time> unless_never(Time time) { return time > Time(0) ? std::optional(time) : std::nullopt; }

}  // namespace

WorkerLife::WorkerLife(const LifeLimits& limits, Time now) : limits_(limits), started_at_(now) {}

WorkerLife::Do WorkerLife::ready(Sign sign, Time now) {
  if (stage_ != Stage::starting) return Do::nothing;
  stage_ = Stage::ready;
  ready_at_ = now;
  ready_by_ = sign;
  return Do::become_ready;
}

void WorkerLife::leave(Time now) {
  stage_ = Stage::leaving;
  left_at_ = now;
  set_kill(now);
}

void WorkerLife::set_kill(Time now) { kill_at_ = after(now, unless_never(limits_.kill_timeout)); }

Time WorkerLife::last_word() const noexcept {
  const auto fifth = unless_never(limits_.kill_timeout / 5);
  return std::min(fifth.value_or(LifeLimits::last_word), LifeLimits::last_word);
}

// To many a program a second SIGTERM means to drop everything.
std::optional<Time> WorkerLife::terminates_at() const noexcept {
  if (terminated_) return std::nullopt;
  std::optional<Time> at = after(kill_at_, -last_word());
  // To who was told by another signal SIGTERM may be the order to drop everything.
  if (channel_closed_at_ && !told_otherwise_)
    at = earlier(at, std::max(left_at_, *channel_closed_at_) + LifeLimits::after_channel);
  return at;
}

WorkerLife::Do WorkerLife::tell(Time now) {
  if (stage_ != Stage::starting && stage_ != Stage::ready) return Do::nothing;
  leave(now);
  told_otherwise_ = limits_.own_signal;
  if (online_ && !channel_closed_at_) return Do::tell;
  // Nobody would hear the message.
  terminated_ = !told_otherwise_;
  return Do::terminate;
}

// A program outside the protocol may close what it does not know.
std::optional<Time> WorkerLife::leaves_at() const noexcept {
  if (!online_ || !channel_closed_at_) return std::nullopt;
  return *channel_closed_at_ + LifeLimits::own_leave;
}

void WorkerLife::stopped_listening(Time now) {
  if (stage_ == Stage::ready && ready_by_ == Sign::listening && uptime(now) >= LifeLimits::settled)
    stopped_at_ = now;
}

std::optional<Time> WorkerLife::retires_at() const noexcept {
  return after(stopped_at_, LifeLimits::own_leave);
}

void WorkerLife::channel_closed(Time now) {
  if (channel_closed_at_) return;
  channel_closed_at_ = now;
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
  if (!kill_at_) set_kill(now);
  return Do::sweep;
}

WorkerLife::Do WorkerLife::tick(Time now) {
  if ((stage_ == Stage::starting || stage_ == Stage::ready) && reached(leaves_at(), now)) {
    leave(now);
    return Do::leave;
  }
  switch (stage_) {
    case Stage::starting:
      if (reached(after(started_at_, limits_.ready_when_alive), now)) return ready(Sign::alive, now);
      if (!reached(after(started_at_, unless_never(limits_.listen_timeout)), now)) return Do::nothing;
      if (elsewhere_) return ready(Sign::listening, now);
      late_ = true;
      leave(now);
      kill_at_ = now + last_word();
      terminated_ = true;
      return Do::terminate;
    case Stage::leaving:
      if (!reached(terminates_at(), now)) return reached(kill_at_, now) ? kill(now) : Do::nothing;
      terminated_ = true;
      // Its time begins now, however late we are.
      if (kill_at_) kill_at_ = std::max(*kill_at_, now + last_word());
      return Do::terminate;
    case Stage::leftovers:
      return reached(kill_at_, now) ? kill(now) : Do::nothing;
    case Stage::ready:
      if (!reached(retires_at(), now)) return Do::nothing;
      stopped_at_.reset();
      return Do::retire;
    case Stage::killed:
      break;
  }
  return Do::nothing;
}

std::optional<Time> WorkerLife::due() const noexcept {
  switch (stage_) {
    case Stage::starting:
      return earlier(
          after(started_at_, earlier(unless_never(limits_.listen_timeout), limits_.ready_when_alive)),
          leaves_at());
    case Stage::ready:
      return earlier(leaves_at(), retires_at());
    case Stage::leaving:
      return earlier(terminates_at(), kill_at_);
    case Stage::leftovers:
      return kill_at_;
    case Stage::killed:
      break;
  }
  return std::nullopt;
}

}  // namespace baton::supervisor
