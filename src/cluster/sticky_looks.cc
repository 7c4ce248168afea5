#include "cluster/sticky_looks.h"

#include <chrono>

#include "cluster/sticky_look.h"
#include "loop/turn.h"

namespace baton::cluster {
namespace {

// What was peeked at stays readable, so that waiting for more by a poll would spin.
constexpr auto between_looks = std::chrono::milliseconds(10);

}  // namespace

StickyLooks::StickyLooks(Loop& loop) : loop_(loop), next_(loop, [this] { turn(); }) {}

void StickyLooks::ask(StickyLook& look) {
  put(look, soon_);
  next_.ask();
}

void StickyLooks::ask_later(StickyLook& look) {
  put(look, later_);
  if (again_.active()) return;
  again_ = Timer(loop_, between_looks, [this] {
    again_.stop();
    for (StickyLook* one : later_) one->seat_.queue_ = &soon_;
    soon_.splice(soon_.end(), later_);
    if (!soon_.empty()) next_.ask();
  });
}

void StickyLooks::leave(StickyLook& look) noexcept {
  if (look.seat_.queue_ != nullptr) look.seat_.queue_->erase(look.seat_.at_);
  look.seat_.queue_ = nullptr;
}

void StickyLooks::put(StickyLook& look, std::list<StickyLook*>& queue) {
  leave(look);
  look.seat_.at_ = queue.insert(queue.end(), &look);
  look.seat_.queue_ = &queue;
}

void StickyLooks::turn() {
  const auto self = shared_from_this();
  const auto until = Turn::Clock::now() + Turn::share;
  while (!soon_.empty()) {
    if (Turn::Clock::now() >= until) return next_.ask();
    StickyLook& look = *soon_.front();
    leave(look);
    look.look();
  }
}

}  // namespace baton::cluster
