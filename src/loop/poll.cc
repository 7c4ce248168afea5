#include "loop/poll.h"

#include "baton/base/error.h"
#include "loop/uv_handle.h"

namespace baton {

struct Poll::State : UvHandle<State, uv_poll_t, std::move_only_function<void(int)>> {
  State(Loop& owner, int fd, std::move_only_function<void(int)> on_events)
      : UvHandle(owner, std::move(on_events)), descriptor(fd) {}

  // The kernel hears of the descriptor only when something is wanted: many a socket is only passed on.
  void watch() {
    if (watched) return;
    const int status = uv_poll_init(loop.native(), &handle, descriptor);
    if (status != 0) throw Error(-status, "watch a descriptor", "epoll_ctl");
    watched = true;
    if (!referenced) uv_unref(base());
  }
  void start() {
    if (wanted == nothing) {
      uv_poll_stop(&handle);
      return;
    }
    uv_poll_start(&handle, wanted, [](uv_poll_t* uv, int status, int events) {
      auto* self = of(uv);
      if (status != 0) {
        // POLLERR makes libuv stop the watcher although there may still be bytes to read.
        events = self->wanted;
        self->start();
      }
      self->fire(events);
    });
  }
  int descriptor;
  int wanted = nothing;
  bool watched = false;
  bool referenced = true;
};

Poll::Poll(Loop& loop, int descriptor, std::move_only_function<void(int)> callback)
    : state_(new State(loop, descriptor, std::move(callback))) {}

void Poll::want(int events) {
  if (state_ == nullptr || state_->wanted == events) return;
  state_->watch();
  state_->wanted = events;
  state_->start();
}
int Poll::wanted() const noexcept { return state_ == nullptr ? nothing : state_->wanted; }
void Poll::close() noexcept {
  if (state_ == nullptr) return;
  State* state = std::exchange(state_, nullptr);
  if (state->watched) {
    state->close();
  } else {
    delete state;
  }
}
void Poll::ref() {
  if (state_ == nullptr) return;
  state_->referenced = true;
  if (state_->watched) uv_ref(state_->base());
}
void Poll::unref() {
  if (state_ == nullptr) return;
  state_->referenced = false;
  if (state_->watched) uv_unref(state_->base());
}

}  // namespace baton
