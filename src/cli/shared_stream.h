#pragma once

#include "baton/base/fd.h"

namespace baton::cli {

// The pipe or terminal behind a descriptor, opened anew for writing, so that O_NONBLOCK is nobody else's
// matter. Empty if the kernel refuses: it is a socket, or belongs to another user.
[[nodiscard]] Fd open_anew(int descriptor);

// A descriptor that is readable while `descriptor` is writable: to be watched in its place, as watching one
// makes it non-blocking for all who share it. Empty if it is nothing that ever waits.
[[nodiscard]] Fd writability_of(int descriptor);

}  // namespace baton::cli
