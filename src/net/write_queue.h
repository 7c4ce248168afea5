#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fifo.h"

namespace baton::net {

/// Bytes on their way into one descriptor, with descriptors that ride on certain bytes. Small pieces are
/// joined, so that a run of messages is one system call.
class WriteQueue {
 public:
  enum class State {
    empty,    ///< everything is in the kernel
    blocked,  ///< the kernel takes no more for now, or the turn is over: wait until writable
    starved,  ///< the machine is short of something, such as descriptors in flight: try again in a while
    failed,   ///< the descriptor is broken; error() says why
  };

  void append(std::string_view bytes);
  void append(std::string&& bytes);
  /// Gives `bytes` to the kernel without queueing them; returns how many it took. None while bytes are
  /// waiting.
  size_t write_through(int descriptor, std::string_view bytes);
  /// The next byte that is appended carries `descriptor` with it. It stays the caller's, and must stay open
  /// until that byte is written.
  void attach(int descriptor);

  /// The next byte that is appended begins a system call of its own.
  void cut();

  /// Writes as much as the kernel takes (without SIGPIPE on sockets).
  State flush(int descriptor);

  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// How many bytes the kernel has taken since the beginning.
  [[nodiscard]] uint64_t written() const noexcept { return written_; }
  [[nodiscard]] int error() const noexcept { return error_; }
  void clear() noexcept;

 private:
  struct Mark {
    uint64_t offset;
    int descriptor;
    bool carries;
  };
  long send_run(int descriptor);
  void consume(size_t count);

  Fifo<std::string> chunks_;
  Fifo<Mark> marks_;
  size_t head_ = 0;  // consumed bytes of the first chunk
  size_t size_ = 0;
  uint64_t written_ = 0;
  int error_ = 0;
  bool socket_ = true;
};

}  // namespace baton::net
