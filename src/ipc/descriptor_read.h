#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "baton/base/fd.h"
#include "baton/ipc/sender.h"

namespace baton {

/// One recvmsg on a channel: bytes, the descriptors that came with them, and how it ended.
class DescriptorRead {
 public:
  enum class Outcome {
    data,
    ended,
    reset,    ///< the peer is gone and has left bytes of ours unread, or this is no socket any more
    nothing,  ///< nothing is there for now
    failed,   ///< something is there, and cannot be read at the moment: errno says why
  };

  // Not larger: what a read brings is parsed and delivered while it is in the processor's cache, and small
  // messages take ten times their length as values.
  static constexpr size_t most_bytes = size_t{16} << 10;

  /// Reads once, up to so many bytes. Descriptors come close-on-exec; there is room for as many as the kernel
  /// sends at once.
  Outcome from(int socket, size_t bytes = most_bytes);

  /// Valid until the thread's next read, of whatever channel.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::vector<Fd>& descriptors() noexcept { return descriptors_; }
  /// The kernel had to drop descriptors: this process is at its limit.
  [[nodiscard]] bool truncated() const noexcept { return truncated_; }
  /// Who has written it, if the socket tells (SO_PASSCRED) and we can see that process.
  [[nodiscard]] const Sender& sender() const noexcept { return sender_; }
  /// Nothing more is there for now.
  [[nodiscard]] bool emptied() const noexcept { return bytes_.size() < asked_ && descriptors_.empty(); }

 private:
  static constexpr size_t most_descriptors = 253;  // SCM_MAX_FD

  void take_control(const msghdr& message);

  size_t asked_ = most_bytes;
  std::string_view bytes_;
  std::vector<Fd> descriptors_;
  Sender sender_;
  bool truncated_ = false;
};

}  // namespace baton
