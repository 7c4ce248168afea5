#pragma once

#include <list>
#include <memory>

#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "loop/next_turn.h"

namespace baton::cluster {

class StickyLook;

/// The looks of one primary, of which clients cause as many as they like: one after the other, with one share
/// of the loop's turn for all of them.
class StickyLooks : public std::enable_shared_from_this<StickyLooks> {
 public:
  /// Where a look waits for its turn, if it does.
  class Seat {
   private:
    friend class StickyLooks;
    std::list<StickyLook*>* queue_ = nullptr;
    std::list<StickyLook*>::iterator at_;
  };

  explicit StickyLooks(Loop& loop);

  /// `StickyLook::look` is called soon, after those that have asked before; only once.
  void ask(StickyLook& look);
  /// The same in a while.
  void ask_later(StickyLook& look);
  void leave(StickyLook& look) noexcept;

 private:
  void put(StickyLook& look, std::list<StickyLook*>& queue);
  void turn();

  Loop& loop_;
  std::list<StickyLook*> soon_;
  std::list<StickyLook*> later_;
  NextTurn next_;
  Timer again_;
};

}  // namespace baton::cluster
