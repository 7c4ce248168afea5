#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace baton::net {

/// Gives up to `count` bytes of the file `from`, beginning with byte `at`, to the socket `to` without copying
/// them into this process; `at` moves on. Returns how many, 0 at the end of the file, or -1 and errno. Never
/// SIGPIPE; and as sendfile(2) knows no MSG_DONTWAIT, the socket is made non-blocking each time: somebody who
/// shares it may have undone that.
ssize_t send_file(int to, int from, std::uint64_t& at, std::size_t count);

}  // namespace baton::net
