#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "loop/poll.h"

namespace baton::net {

/// What became of a listener that somebody who shares it may have shut down (shutdown(2)).
enum class Revival {
  listening,  // it was not shut down
  again,      // it was, and listens again
  lost,       // it refuses everybody for ever, as the kernel has it for a Unix-domain socket
};
[[nodiscard]] Revival revive_listener(int descriptor, int backlog) noexcept;

/// Hears of listeners that are shut down by somebody who shares them. Costs one descriptor for all of them,
/// and nothing on a connection; their flags stay as they are, and anybody may poll them beside.
class ListenerWatch {
  using Epoll = std::shared_ptr<const Fd>;

 public:
  /// As long as it exists its listener is watched; it must go before the descriptor is closed.
  class Watched {
   public:
    Watched() = default;
    Watched(Watched&& other) noexcept
        : epoll_(std::move(other.epoll_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
    Watched& operator=(Watched&& other) noexcept;
    ~Watched() { stop(); }
    void stop() noexcept;

   private:
    friend class ListenerWatch;
    Watched(Epoll epoll, int descriptor) : epoll_(std::move(epoll)), descriptor_(descriptor) {}
    Epoll epoll_;
    int descriptor_ = -1;
  };

  /// `shut` is called from the loop with a descriptor that was shut down, and again and again until it
  /// listens or is not watched any more.
  ListenerWatch(Loop& loop, std::function<void(int descriptor)> shut) : loop_(loop), shut_(std::move(shut)) {}

  ListenerWatch(const ListenerWatch&) = delete;
  ListenerWatch& operator=(const ListenerWatch&) = delete;

  [[nodiscard]] Result<Watched> watch(int descriptor);
  /// Nobody is told any more. Must come before the loop's end.
  void close() noexcept { poll_.close(); }

 private:
  void look();

  Loop& loop_;
  std::function<void(int)> shut_;
  Epoll epoll_;
  Poll poll_;  // goes first
};

}  // namespace baton::net
