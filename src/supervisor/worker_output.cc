#include "supervisor/worker_output.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace baton::supervisor {
namespace {

// One for all workers of a thread, as a sink does nothing but take the line. Another thread has a loop of its
// own.
thread_local std::array<char, size_t{4} << 10> read_buffer;

// There are two of a worker, and those of dead ones whose children print on.
constexpr auto stream_share = Turn::share / 4;
// For the last words, however long they take to be worked on.
constexpr auto longest_rest = std::chrono::seconds(1);

}  // namespace

WorkerOutput::WorkerOutput(Loop& loop, Sink sink, Callback over)
    : loop_(loop), sink_(std::move(sink)), over_(std::move(over)) {}

WorkerOutput::~WorkerOutput() {
  for (Stream& stream : streams_) stream.poll.close();
}

Result<std::unique_ptr<WorkerOutput>> WorkerOutput::open(Loop& loop, SpawnOptions& spawn, Sink sink,
                                                         Callback over) {
  std::unique_ptr<WorkerOutput> output(new WorkerOutput(loop, std::move(sink), std::move(over)));
  int number = 0;
  for (Stream& stream : output->streams_) {
    stream.number = ++number;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return failure(errno, "take a worker's output", "pipe2");
    stream.pipe.reset(ends[0]);
    spawn.pass(Fd(ends[1]), stream.number);
    stream.poll = Poll(loop, ends[0], [&self = *output, &stream](int) { self.read_turn(stream); });
    try {
      stream.poll.want(Poll::readable);
    } catch (const Error& error) {
      return std::unexpected(error);
    }
  }
  return output;
}

void WorkerOutput::read_turn(Stream& stream) {
  const auto until = Turn::Clock::now() + stream_share;
  stream.turn.begin();
  while (read_once(stream, stream.turn.size()) && stream.turn.go_on() && Turn::Clock::now() < until) {
  }
}

// False: nothing more is to be read for now.
bool WorkerOutput::read_once(Stream& stream, size_t size) {
  if (!stream.pipe || (paused_ && !finishing_)) return false;
  const ssize_t got = ::read(stream.pipe.get(), read_buffer.data(), size);
  if (got > 0) {
    stream.rest -= std::min(stream.rest, static_cast<size_t>(got));
    stream.lines.feed(std::string_view(read_buffer.data(), static_cast<size_t>(got)),
                      [&](std::string_view line, bool whole) { sink_(stream.number, line, whole); });
    return true;
  }
  if (got < 0 && errno == EINTR) return true;
  if (got == 0 || errno != EAGAIN) end(stream);
  return false;
}

void WorkerOutput::end(Stream& stream) {
  if (!stream.pipe) return;
  stream.poll.close();
  stream.pipe.reset();
  stream.lines.finish([&](std::string_view line, bool whole) { sink_(stream.number, line, whole); });
  if (!streams_[0].pipe && !streams_[1].pipe) loop_.defer(std::exchange(over_, [] {}));
}

void WorkerOutput::pause() {
  paused_ = true;
  watch();
}

void WorkerOutput::resume() {
  paused_ = false;
  watch();
}

void WorkerOutput::watch() {
  const bool read = !paused_ && !reading_rest_ && !finishing_;
  for (Stream& stream : streams_) {
    if (stream.pipe) stream.poll.want(read ? Poll::readable : Poll::nothing);
  }
}

void WorkerOutput::read_rest(Callback then) {
  then_ = std::move(then);
  begin_rest();
}

void WorkerOutput::finish(Callback then) {
  if (finishing_) return;
  finishing_ = true;
  if (then) then_ = std::move(then);
  begin_rest();
}

// Whoever else writes there does not keep us: what he adds is not counted.
void WorkerOutput::begin_rest() {
  for (Stream& stream : streams_) {
    int there = 0;
    if (!stream.pipe || ::ioctl(stream.pipe.get(), FIONREAD, &there) != 0) there = 0;
    stream.rest = static_cast<size_t>(std::max(there, 0));
  }
  rest_by_ = Turn::Clock::now() + longest_rest;
  reading_rest_ = true;
  watch();
  go_on_with_rest();
}

void WorkerOutput::go_on_with_rest() {
  const auto until = std::min(Turn::Clock::now() + 2 * stream_share, rest_by_);
  for (Stream& stream : streams_) {
    if (read_rest_of(stream, until)) continue;
    if (Turn::Clock::now() >= rest_by_) break;
    if (!next_) next_ = NextTurn(loop_, [this] { go_on_with_rest(); });
    return next_.ask();
  }
  rest_over();
}

// False: the turn is over.
bool WorkerOutput::read_rest_of(Stream& stream, Turn::Clock::time_point until) {
  stream.turn.begin();
  while (stream.rest > 0) {
    if (Turn::Clock::now() >= until) return false;
    if (!read_once(stream, std::min(stream.turn.size(), stream.rest))) return true;
    (void)stream.turn.go_on();
  }
  return true;
}

void WorkerOutput::rest_over() {
  reading_rest_ = false;
  auto then = std::exchange(then_, nullptr);
  if (finishing_) {
    for (Stream& stream : streams_) end(stream);
  } else {
    watch();
  }
  if (then) then();
}

}  // namespace baton::supervisor
