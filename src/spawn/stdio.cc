#include "baton/spawn/stdio.h"

#include <sys/ioctl.h>

namespace baton {

Stdio Stdio::stream(net::Socket stream) {
  auto descriptor = stream.release();
  if (!descriptor) throw std::move(descriptor).error();
  // A program expects that it may wait for its input.
  int off = 0;
  if (::ioctl(descriptor->get(), FIONBIO, &off) != 0) throw Error(errno, "give a stream to a child", "ioctl");
  return Stdio::descriptor(std::move(*descriptor));
}

}  // namespace baton
