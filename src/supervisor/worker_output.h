#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/spawn/options.h"
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
  /// Reads what is there, unless paused: the last words of who has just ended come before the news of it.
  void read_now();
  /// Takes what is there as the last that comes.
  void finish();

 private:
  static constexpr size_t smallest_read = 256;
  static constexpr size_t largest_read = size_t{64} << 10;
  struct Stream {
    int number = 0;
    Fd pipe;
    Poll poll;
    LineSplitter lines;
    Turn turn{smallest_read, largest_read};
  };
  WorkerOutput(Loop& loop, Sink sink, Callback over);
  void read_turn(Stream& stream);
  bool read_once(Stream& stream, size_t size);
  void end(Stream& stream);

  Loop& loop_;
  Sink sink_;
  Callback over_;
  bool paused_ = false;
  std::array<Stream, 2> streams_;
};

}  // namespace baton::supervisor
