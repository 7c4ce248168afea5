#include "baton/base/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace baton {

void Fd::reset(int descriptor) noexcept {
  if (descriptor_ >= 0) {
    const int saved = errno;
    ::close(descriptor_);
    errno = saved;
  }
  descriptor_ = descriptor;
}

Fd Fd::duplicate() const noexcept { return Fd(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0)); }

}  // namespace baton
