#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace baton::net {

/// To be called before the first `send_file` to a socket, which may be one that blocks: sendfile(2) knows no
/// MSG_DONTWAIT. Returns false and errno if it cannot be.
bool may_send_file(int to);

/// Gives up to `count` bytes of the file `from`, beginning with byte `at`, to the socket `to` without copying
/// them into this process; `at` moves on. Returns how many, 0 at the end of the file, or -1 and errno. Never
/// SIGPIPE.
ssize_t send_file(int to, int from, std::uint64_t& at, std::size_t count);

}  // namespace baton::net
