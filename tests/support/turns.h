#pragma once

#include <uv.h>

#include <cstdint>

#include "baton/loop/loop.h"

namespace baton::test {

/// Counts how often a loop has looked for events: a few times if it sleeps, without end if it spins. It does
/// not keep the loop running, and must be gone before it.
class Turns {
 public:
  explicit Turns(Loop& loop) : handle_(new uv_prepare_t) {
    uv_prepare_init(loop.native(), handle_);
    handle_->data = this;
    uv_prepare_start(handle_, [](uv_prepare_t* handle) { ++static_cast<Turns*>(handle->data)->count_; });
    uv_unref(reinterpret_cast<uv_handle_t*>(handle_));
  }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns() {
    uv_prepare_stop(handle_);
    uv_close(reinterpret_cast<uv_handle_t*>(handle_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_prepare_t*>(handle); });
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  uv_prepare_t* handle_;
  std::uint64_t count_ = 0;
};

}  // namespace baton::test
