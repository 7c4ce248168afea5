#pragma once

#include "baton/base/fd.h"

namespace baton::net {

/// Whether `file`, opened with O_PATH, is the one that a Unix-domain socket was bound to, whatever its path
/// leads to by now. True also where the kernel has no socket diagnosis to ask.
[[nodiscard]] bool is_bound_to(int socket, const Fd& file) noexcept;

}  // namespace baton::net
