#pragma once

#include <uv.h>

#include <utility>

#include "baton/loop/loop.h"

namespace baton {

/// A libuv handle of type H beside the callback that it drives; Self derives from it. libuv lets go of a
/// closed handle's memory only at the end of its turn, so a callback may close the handle that it was called
/// for.
template <class Self, class H, class F>
class UvHandle {
 public:
  UvHandle(Loop& owner, F on_event) : loop(owner), callback(std::move(on_event)) { handle.data = this; }

  template <class Any>
  static Self* of(Any* uv) {
    return static_cast<Self*>(static_cast<UvHandle*>(uv->data));
  }
  uv_handle_t* base() { return reinterpret_cast<uv_handle_t*>(&handle); }

  template <class... Args>
  void fire(Args... args) {
    loop.enter([&] {
      if (!closed) callback(args...);
    });
  }
  /// Cuts the callback; the memory goes when libuv is done with it.
  void close() {
    closed = true;
    uv_close(base(), [](uv_handle_t* uv) { delete of(uv); });
  }

  H handle;
  Loop& loop;
  F callback;
  bool closed = false;
};

}  // namespace baton
