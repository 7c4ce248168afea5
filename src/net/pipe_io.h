#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace baton::net {

/// @{
/// read(2) and writev(2) on a pipe or terminal that never wait (EAGAIN), also when somebody who shares it has
/// made it blocking. Kernels before 6.4 leave a moment in which he still can.
ssize_t read_without_waiting(int pipe, void* to, std::size_t size);
ssize_t write_without_waiting(int pipe, const iovec* pieces, int count);
/// @}

}  // namespace baton::net
