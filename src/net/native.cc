#include "baton/net/native.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <utility>

#include "base/close_aside.h"

namespace baton::net {
namespace {

// In a Unix-domain socket it may be descriptors, which are closed with it.
bool has_unread(int descriptor) noexcept {
  int bytes = 0;
  return ::ioctl(descriptor, SIOCINQ, &bytes) == 0 && bytes > 0;
}

}  // namespace

bool Native::closes_slowly() const noexcept {
  switch (kind_) {
    case DescriptorKind::other:
      return true;
    case DescriptorKind::unix_listener:
      return aside_ != nullptr;
    case DescriptorKind::unix_stream:
      // What a peer has sent may get more at any time.
      return aside_ || has_unread(descriptor_.get());
    default:
      return false;
  }
}

void Native::close() noexcept {
  if (!descriptor_) return;
  // Whoever else holds it may have made something else of it since it was asked what it is, but no TCP.
  const bool may_linger = kind_ == DescriptorKind::tcp || kind_ == DescriptorKind::tcp_listener ||
                          kind_ == DescriptorKind::other || kind_ == DescriptorKind::closed;
  if (may_linger) {
    linger wish{};
    socklen_t length = sizeof wish;
    const bool asked = ::getsockopt(descriptor_.get(), SOL_SOCKET, SO_LINGER, &wish, &length) == 0;
    // One of no time at all is a reset, which does not wait.
    if (asked && wish.l_onoff != 0 && wish.l_linger != 0) {
      wish = {};
      ::setsockopt(descriptor_.get(), SOL_SOCKET, SO_LINGER, &wish, sizeof wish);
    }
  }
  if (closes_slowly()) return (aside_ ? *aside_ : CloseAside::of_nobody()).close(std::move(descriptor_));
  descriptor_.reset();
}

}  // namespace baton::net
