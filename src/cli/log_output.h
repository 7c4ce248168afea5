#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "loop/poll.h"

namespace baton::cli {

// A standard stream that whole lines are written to without ever waiting in the middle: what the reader does
// not take is kept up to a limit, and whoever writes is asked to slow down before. The stream is shared with
// others (a terminal with its shell), so its flags stay as they are.
class LogOutput {
 public:
  // From so many bytes on that wait, `full` is true; until it is half of that again.
  static constexpr std::size_t high_water = std::size_t{256} << 10;
  // With so many waiting, a line is dropped and counted.
  static constexpr std::size_t limit = std::size_t{4} << 20;

  LogOutput(Loop& loop, int descriptor);

  // Whether people look at it.
  [[nodiscard]] bool is_terminal() const;

  // Writes a line, its LF included, after those that wait.
  void write(std::string_view line);
  [[nodiscard]] bool full() const noexcept { return full_; }
  // `full` has changed.
  void on_full(std::function<void()> callback) { on_full_ = std::move(callback); }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size() - written_; }
  // Lines that were dropped: too many waited, the disk was full, or the reader has gone.
  [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }
  // The line, LF included, that says how many were dropped: it takes their place as soon as there is room
  // again.
  void on_dropped(std::function<std::string(std::size_t lines)> describe) { describe_ = std::move(describe); }

  // Writes what waits, for at most so long; the loop stands still meanwhile. For the end of the process.
  void flush(int milliseconds);

  // Whether both descriptors lead to the same place, so that lines of both must take turns.
  [[nodiscard]] static bool same(int one, int other);

 private:
  enum class Way { plain, file, socket, small_pieces };
  void push();
  void say_dropped(std::size_t room);
  void append(std::string_view line);
  void drop_waiting();
  ssize_t write_some(std::string_view bytes);
  void update();

  Fd own_;
  int descriptor_;
  Fd watcher_;
  Way way_ = Way::plain;
  Poll poll_;
  std::string waiting_;
  std::size_t written_ = 0;  // of waiting_
  std::size_t dropped_ = 0;
  std::size_t untold_ = 0;  // of them
  std::size_t noted_ = 0;   // of them, in a line that waits
  bool full_ = false;
  bool gone_ = false;
  bool inside_line_ = false;  // the last byte that was written ends no line
  bool cut_ = false;          // and what follows it is lost
  std::function<void()> on_full_;
  std::function<std::string(std::size_t)> describe_;
};

}  // namespace baton::cli
