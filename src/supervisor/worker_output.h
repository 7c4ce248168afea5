#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/spawn/options.h"
#include "loop/next_turn.h"
#include "loop/poll.h"
#include "loop/turn.h"
#include "supervisor/line_splitter.h"

namespace baton::supervisor {

/// Standard output and error of one worker: pipes, which unlike sockets can be opened as /dev/stdout, read in
/// lines until nobody holds them any more.
class WorkerOutput {
 public:
  /// A line of stream 1 or 2.
  using Sink = std::function<void(int stream, std::string_view line, bool whole)>;

  /// Makes the pipes; gives the worker's ends to `spawn`, which closes them with its last copy. `over` is
  /// called, once, from the loop, when both streams have ended.
  [[nodiscard]] static Result<std::unique_ptr<WorkerOutput>> open(Loop& loop, SpawnOptions& spawn, Sink sink,
                                                                  Callback over);
  WorkerOutput(const WorkerOutput&) = delete;
  WorkerOutput& operator=(const WorkerOutput&) = delete;
  ~WorkerOutput();

  void pause();
  void resume();
  /// Reads what is there by now, unless paused, in turns, and for a second at most; then calls `then`,
  /// perhaps at once: the last words of who has just ended come before the news of it.
  void read_rest(Callback then);
  /// Takes what is there by now as the last that comes, whether or not paused, in turns and for a second at
  /// most; then calls `then`, perhaps at once, and `over`. Only the first time counts.
  void finish(Callback then = {});

 private:
  static constexpr size_t smallest_read = 256;
  // Not larger: that many empty lines are worked on before anybody looks at the clock.
  static constexpr size_t largest_read = size_t{4} << 10;
  struct Stream {
    int number = 0;
    Fd pipe;
    Poll poll;
    LineSplitter lines;
    Turn turn{smallest_read, largest_read};
    size_t rest = 0;  // of what was there
  };
  WorkerOutput(Loop& loop, Sink sink, Callback over);
  void read_turn(Stream& stream);
  bool read_once(Stream& stream, size_t size);
  void begin_rest();
  void go_on_with_rest();
  bool read_rest_of(Stream& stream, Turn::Clock::time_point until);
  void rest_over();
  void watch();
  void end(Stream& stream);

  Loop& loop_;
  Sink sink_;
  Callback over_;
  bool paused_ = false;
  bool finishing_ = false;
  bool reading_rest_ = false;
  Turn::Clock::time_point rest_by_;
  Callback then_;
  NextTurn next_;
  std::array<Stream, 2> streams_;
};

}  // namespace baton::supervisor
