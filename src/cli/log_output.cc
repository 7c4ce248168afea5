#include "cli/log_output.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>

#include "cli/shared_stream.h"

namespace baton::cli {

LogOutput::LogOutput(Loop& loop, int descriptor) : descriptor_(descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    gone_ = true;
    return;
  }
  if (S_ISREG(status.st_mode)) return;
  if (S_ISSOCK(status.st_mode)) {
    way_ = Way::socket;
  } else if ((own_ = open_anew(descriptor))) {
    descriptor_ = own_.get();
  } else {
    way_ = Way::small_pieces;
  }
  watcher_ = writability_of(descriptor_);
  if (!watcher_) return;
  poll_ = Poll(loop, watcher_.get(), [this](int) { push(); });
  poll_.unref();
}

void LogOutput::write(std::string_view line) {
  if (gone_ || waiting() + line.size() > limit) {
    ++dropped_;
    return;
  }
  waiting_.append(line);
  if (poll_ && poll_.wanted() != Poll::nothing) {
    update();
  } else {
    push();
  }
}

ssize_t LogOutput::write_some(std::string_view bytes) {
  if (way_ == Way::socket)
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (way_ == Way::small_pieces) {
    // If poll(2) says that it is writable, so much does not wait.
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) == 0) return errno = EAGAIN, -1;
    bytes = bytes.substr(0, PIPE_BUF);
  }
  return ::write(descriptor_, bytes.data(), bytes.size());
}

void LogOutput::push() {
  while (waiting() > 0) {
    const ssize_t count = write_some(std::string_view(waiting_).substr(written_));
    if (count >= 0) {
      written_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN && poll_) {
      break;
    } else if (errno != EINTR) {
      // Nobody reads any more, or the disk is full: the service goes on without.
      gone_ = errno != ENOSPC && errno != EDQUOT && errno != EAGAIN;
      ++dropped_;
      written_ = waiting_.size();
    }
  }
  if (waiting() == 0 || written_ > high_water) {
    waiting_.erase(0, written_);
    written_ = 0;
  }
  update();
}

void LogOutput::update() {
  if (poll_) {
    const int wanted = waiting() > 0 ? Poll::readable : Poll::nothing;
    if (poll_.wanted() != wanted) poll_.want(wanted);
  }
  const bool full = full_ ? waiting() > high_water / 2 : waiting() > high_water;
  if (full == full_) return;
  full_ = full;
  if (on_full_) on_full_();
}

void LogOutput::flush(int milliseconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    push();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (waiting() == 0 || left <= 0) return;
    pollfd ready{descriptor_, POLLOUT, 0};
    (void)::poll(&ready, 1, static_cast<int>(left));
  }
}

bool LogOutput::same(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino && first.st_rdev == second.st_rdev;
}

}  // namespace baton::cli
