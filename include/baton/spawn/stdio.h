#pragma once

#include <memory>
#include <utility>

#include "baton/base/fd.h"
#include "baton/net/socket.h"

namespace baton {

/// What a child gets as one of its descriptors. Mirrors an entry of Node's `stdio` option.
class Stdio {
 public:
  /// The targets that the functions below make.
  enum class Kind { pipe, inherit, ignore, descriptor, terminal };

  /// One end of a Unix-domain socket pair; the other end is the `net::Socket` that `Child::stream` returns.
  /// Such a descriptor cannot be opened again by the name /dev/stdout.
  [[nodiscard]] static Stdio pipe() noexcept { return Stdio(Kind::pipe); }
  /// This process's descriptor of the same number, shared with the child; /dev/null if there is none.
  [[nodiscard]] static Stdio inherit() noexcept { return Stdio(Kind::inherit); }
  /// /dev/null: nothing to read, and what is written is lost.
  [[nodiscard]] static Stdio ignore() noexcept { return Stdio(Kind::ignore); }
  /// The terminal of `SpawnOptions::terminal`, which also sets this; without it, misuse.
  [[nodiscard]] static Stdio terminal() noexcept { return Stdio(Kind::terminal); }
  /// A stream that is given up here, such as the output of another child: what nobody has read of it yet is
  /// the child's to read. It must have nothing queued for writing (Error EBUSY, EBADF: closed).
  [[nodiscard]] static Stdio stream(net::Socket stream);
  /// A copy of a descriptor that stays the caller's; it must be open when the child is spawned.
  [[nodiscard]] static Stdio descriptor(int borrowed) noexcept {
    Stdio result(Kind::descriptor);
    result.number_ = borrowed;
    return result;
  }
  /// A copy of a descriptor that this value owns: this process's own is closed with the last copy of this
  /// value, so with the options that it was given to.
  [[nodiscard]] static Stdio descriptor(Fd owned) {
    Stdio result = descriptor(owned.get());
    result.owned_ = std::make_shared<Fd>(std::move(owned));
    return result;
  }

  /// Which of them it is.
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// The number in this process of a `descriptor`; -1 for the other kinds.
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  explicit Stdio(Kind kind) noexcept : kind_(kind) {}

  Kind kind_;
  int number_ = -1;
  std::shared_ptr<const Fd> owned_;
};

}  // namespace baton
