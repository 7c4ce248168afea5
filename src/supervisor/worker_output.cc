#include "supervisor/worker_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace baton::supervisor {
namespace {

// One for all workers of a thread, as a sink does nothing but take the line. Another thread has a loop of its
// own.
thread_local std::array<char, size_t{64} << 10> read_buffer;

// What a pipe can hold at most.
constexpr int reads_of_a_pipe = 16;

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
  stream.turn.begin();
  while (read_once(stream, stream.turn.size()) && stream.turn.go_on()) {
  }
}

// False: nothing more is to be read for now.
bool WorkerOutput::read_once(Stream& stream, size_t size) {
  if (!stream.pipe || paused_) return false;
  const ssize_t got = ::read(stream.pipe.get(), read_buffer.data(), size);
  if (got > 0) {
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
  for (Stream& stream : streams_) {
    if (stream.pipe) stream.poll.want(Poll::nothing);
  }
}

void WorkerOutput::resume() {
  paused_ = false;
  for (Stream& stream : streams_) {
    if (stream.pipe) stream.poll.want(Poll::readable);
  }
}

void WorkerOutput::read_now() {
  for (Stream& stream : streams_) {
    for (int i = 0; i < reads_of_a_pipe && read_once(stream, largest_read); ++i) {
    }
  }
}

void WorkerOutput::finish() {
  paused_ = false;
  read_now();
  for (Stream& stream : streams_) end(stream);
}

}  // namespace baton::supervisor
