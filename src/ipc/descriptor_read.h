#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "baton/base/fd.h"

namespace baton {

/// One recvmsg on a channel: bytes, the descriptors that came with them, and how it ended.
class DescriptorRead {
 public:
  enum class Outcome { data, ended, reset, nothing };

  /// Reads once. Descriptors come close-on-exec; there is room for as many as the kernel sends at once.
  Outcome from(int socket);

  /// Valid until the thread's next read, of whatever channel.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::vector<Fd>& descriptors() noexcept { return descriptors_; }
  /// The kernel had to drop descriptors: this process is at its limit.
  [[nodiscard]] bool truncated() const noexcept { return truncated_; }
  /// Nothing more is there for now.
  [[nodiscard]] bool emptied() const noexcept { return bytes_.size() < most_bytes && descriptors_.empty(); }

 private:
  static constexpr size_t most_descriptors = 253;  // SCM_MAX_FD
  // Not larger: what a read brings is parsed and delivered while it is in the processor's cache, and small
  // messages take ten times their length as values.
  static constexpr size_t most_bytes = size_t{16} << 10;

  void take_descriptors(const msghdr& message);

  std::string_view bytes_;
  std::vector<Fd> descriptors_;
  bool truncated_ = false;
};

}  // namespace baton
