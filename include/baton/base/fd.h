#pragma once

#include <utility>

namespace baton {

/// A descriptor and the duty to close it: exactly one `Fd` owns a descriptor, and closes it when destroyed.
/// Moving moves the duty; there is no copying (`duplicate()` asks the kernel for a second descriptor).
class Fd {
 public:
  Fd() = default;
  /// Takes over `descriptor`, which nobody else may close from now on. A negative number owns nothing.
  explicit Fd(int descriptor) noexcept : descriptor_(descriptor) {}
  /// @{
  /// Moves; the other is empty afterwards.
  Fd(Fd&& other) noexcept : descriptor_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  /// @}
  ~Fd() { reset(); }

  /// The descriptor's number, still owned here; -1 if none.
  [[nodiscard]] int get() const noexcept { return descriptor_; }
  /// Whether a descriptor is owned.
  explicit operator bool() const noexcept { return descriptor_ >= 0; }

  /// Gives the duty to close to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
  /// Closes what is owned, then takes over `descriptor`. Errors of close(2) are not reported: the descriptor
  /// is gone in any case.
  void reset(int descriptor = -1) noexcept;
  /// A second descriptor (close-on-exec) for the same open file; empty, with errno set, when the kernel
  /// refuses.
  [[nodiscard]] Fd duplicate() const noexcept;

 private:
  int descriptor_ = -1;
};

}  // namespace baton
