#pragma once

#include <string>
#include <utility>

#include "baton/base/descriptor_kind.h"
#include "baton/base/fd.h"

namespace baton::net {

/// A socket or pipe as such, with no object around it yet; Node's raw handle: on the wire "dgram.Native" for
/// a UDP socket and "net.Native" for the others. Look at `kind()`, then give it to `Socket::adopt`, or
/// `release()` to `Server::adopt`, `UdpSocket::adopt` or `BoundSocket::adopt`.
class Native {
 public:
  Native() = default;
  /// Takes over `descriptor`.
  explicit Native(Fd descriptor)
      : descriptor_(std::move(descriptor)), kind_(descriptor_kind(descriptor_.get())) {}
  /// The same when it is known what it is, without asking the kernel.
  Native(Fd descriptor, DescriptorKind kind) : descriptor_(std::move(descriptor)), kind_(kind) {}

  /// Whether there is one.
  explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }
  /// What it was when this object was made.
  [[nodiscard]] DescriptorKind kind() const noexcept { return kind_; }
  /// Whether connections can be accepted from it.
  [[nodiscard]] bool listens() const noexcept {
    return kind_ == DescriptorKind::tcp_listener || kind_ == DescriptorKind::unix_listener;
  }
  /// The descriptor, still owned here; -1 if there is none.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Gives the descriptor away.
  [[nodiscard]] Fd release() { return std::move(descriptor_); }

  /// @{
  /// What somebody has read from it already and not used: it belongs before what is still to come.
  /// `Socket::adopt` takes it over.
  [[nodiscard]] const std::string& unread() const noexcept { return unread_; }
  void set_unread(std::string bytes) { unread_ = std::move(bytes); }
  /// @}
  /// Moves them out.
  [[nodiscard]] std::string take_unread() { return std::exchange(unread_, {}); }

 private:
  Fd descriptor_;
  std::string unread_;
  DescriptorKind kind_ = DescriptorKind::closed;
};

}  // namespace baton::net
