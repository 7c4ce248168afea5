#pragma once

#include <memory>
#include <string>
#include <utility>

#include "baton/base/descriptor_kind.h"
#include "baton/base/fd.h"

namespace baton {
class CloseAside;
}

namespace baton::net {

/// A socket or pipe as such, with no object around it yet; Node's raw handle: on the wire "dgram.Native" for
/// a UDP socket and "net.Native" for the others. Look at `kind()`, then give it to `Socket::adopt`, or
/// `release()` to `Server::adopt`, `UdpSocket::adopt` or `BoundSocket::adopt`.
///
/// One that is still here when this object goes is closed at once: whoever sent it may have set SO_LINGER,
/// which would make close(2) wait until the peer has read everything. What is on its way still goes out. What
/// may take its time all the same (a file of FUSE or NFS, a Unix-domain socket with descriptors in its queue)
/// is closed by a thread, a moment later.
class Native {
 public:
  Native() = default;
  /// Takes over `descriptor`.
  explicit Native(Fd descriptor)
      : descriptor_(std::move(descriptor)), kind_(descriptor_kind(descriptor_.get())) {}
  /// The same when it is known what it is, without asking the kernel.
  Native(Fd descriptor, DescriptorKind kind) : descriptor_(std::move(descriptor)), kind_(kind) {}
  /// The same of one that a peer has sent: `aside` closes it where that may take its time.
  Native(Fd descriptor, DescriptorKind kind, std::shared_ptr<CloseAside> aside)
      : descriptor_(std::move(descriptor)), aside_(std::move(aside)), kind_(kind) {}

  /// @{
  /// Moves; the other is empty afterwards.
  Native(Native&&) noexcept = default;
  Native& operator=(Native&& other) noexcept {
    if (this == &other) return *this;
    close();
    descriptor_ = std::move(other.descriptor_);
    unread_ = std::move(other.unread_);
    aside_ = std::move(other.aside_);
    kind_ = other.kind_;
    return *this;
  }
  /// @}
  ~Native() { close(); }

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
  void close() noexcept;
  [[nodiscard]] bool closes_slowly() const noexcept;

  Fd descriptor_;
  std::string unread_;
  std::shared_ptr<CloseAside> aside_;
  DescriptorKind kind_ = DescriptorKind::closed;
};

}  // namespace baton::net
