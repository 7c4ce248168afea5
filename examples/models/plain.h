#pragma once

// What the three models share that know no events: blocking sockets, as before there were loops.

#include <chrono>
#include <string_view>
#include <utility>

#include "baton/baton.h"

namespace models {

/// A server that was told its order and listens.
class Plain {
 public:
  Plain() = default;
  Plain(baton::Fd listener, std::chrono::milliseconds wait, int limit)
      : listener_(std::move(listener)), wait_(wait), limit_(limit) {}
  /// False if the primary is gone.
  explicit operator bool() const { return static_cast<bool>(listener_); }
  [[nodiscard]] baton::Fd& listener() { return listener_; }
  [[nodiscard]] std::chrono::milliseconds wait() const { return wait_; }
  [[nodiscard]] int limit() const { return limit_; }

 private:
  baton::Fd listener_;
  std::chrono::milliseconds wait_{0};
  int limit_ = 0;
};
/// Hears the order, listens, and says where.
baton::Task<Plain> begin_plain(baton::Process& self);

/// The next connection; waits until there is one.
baton::Fd accept_one(const baton::Fd& listener);

/// Reads and answers to the end of the connection. Each read, wait and write holds up whoever calls it.
void serve_to_the_end(const baton::Fd& connection, std::chrono::milliseconds wait);

/// Says once, on standard error, that a model has as many as it may have.
void say_full(std::string_view model, int limit, std::string_view what);

}  // namespace models
