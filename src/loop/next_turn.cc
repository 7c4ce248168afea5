#include "loop/next_turn.h"

#include "loop/uv_handle.h"

namespace baton {

// libuv calls idle handles once a turn, before it looks what is ready, and does not wait for that meanwhile.
struct NextTurn::State : UvHandle<State, uv_idle_t, Callback> {
  State(Loop& owner, Callback on_turn) : UvHandle(owner, std::move(on_turn)) {
    uv_idle_init(owner.native(), &handle);
  }
};

NextTurn::NextTurn(Loop& loop, Callback callback) : state_(new State(loop, std::move(callback))) {}

void NextTurn::ask() {
  if (state_ == nullptr) return;
  uv_idle_start(&state_->handle, [](uv_idle_t* uv) {
    uv_idle_stop(uv);
    State::of(uv)->fire();
  });
}

void NextTurn::close() noexcept {
  if (state_ != nullptr) std::exchange(state_, nullptr)->close();
}

}  // namespace baton
