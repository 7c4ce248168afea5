#include "loop/poll.h"

#include "baton/base/error.h"
#include "loop/uv_handle.h"

namespace baton {

struct Poll::State : UvHandle<State, uv_poll_t, std::move_only_function<void(int)>> {
  using UvHandle::UvHandle;

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
  int wanted = nothing;
};

Poll::Poll(Loop& loop, int descriptor, std::move_only_function<void(int)> callback)
    : state_(new State(loop, std::move(callback))) {
  const int status = uv_poll_init(loop.native(), &state_->handle, descriptor);
  if (status != 0) {
    delete std::exchange(state_, nullptr);
    throw Error(-status, "watch a descriptor", "epoll_ctl");
  }
}

void Poll::want(int events) {
  if (state_ == nullptr || state_->wanted == events) return;
  state_->wanted = events;
  state_->start();
}
int Poll::wanted() const noexcept { return state_ == nullptr ? nothing : state_->wanted; }
void Poll::close() noexcept {
  if (state_ != nullptr) std::exchange(state_, nullptr)->close();
}
void Poll::ref() {
  if (state_ != nullptr) uv_ref(state_->base());
}
void Poll::unref() {
  if (state_ != nullptr) uv_unref(state_->base());
}

}  // namespace baton
