#pragma once

#include <utility>

#include "loop/uv_handle.h"

namespace baton {

/// Is rung by any thread and heard on its loop; several rings may be heard as one. Nobody may ring it once it
/// is closed: who rings and who closes share a lock.
struct Bell : UvHandle<Bell, uv_async_t, Callback> {
  Bell(Loop& owner, Callback on_ring) : UvHandle(owner, std::move(on_ring)) {
    uv_async_init(owner.native(), &handle, [](uv_async_t* uv) { of(uv)->fire(); });
  }
  void ring() { uv_async_send(&handle); }
};

}  // namespace baton
