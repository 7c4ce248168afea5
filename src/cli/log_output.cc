#include "cli/log_output.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

#include "cli/shared_stream.h"

namespace baton::cli {
namespace {

// Disks are cleared, and files that have grown too long (a quota, RLIMIT_FSIZE) are rotated.
bool may_pass(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EAGAIN; }

}  // namespace

LogOutput::LogOutput(Loop& loop, int descriptor) : descriptor_(descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    gone_ = true;
    return;
  }
  if (S_ISREG(status.st_mode)) {
    way_ = Way::file;
    return;
  }
  if (S_ISSOCK(status.st_mode)) {
    way_ = Way::socket;
  } else if ((own_ = open_anew(descriptor))) {
    descriptor_ = own_.get();
  } else {
    way_ = Way::small_pieces;
  }
  watcher_ = writability_of(descriptor_);
  if (!watcher_) return;
  poll_ = Poll(loop, watcher_.get(), [this](int) {
    push();
    if (waiting() > 0 || untold_ == 0) return;
    say_dropped(limit);
    push();
  });
  poll_.unref();
}

void LogOutput::write(std::string_view line) {
  if (!gone_ && waiting() + line.size() <= limit) say_dropped(limit - waiting() - line.size());
  if (gone_ || waiting() + line.size() > limit) {
    ++dropped_;
    ++untold_;
    return;
  }
  append(line);
  if (poll_ && poll_.wanted() != Poll::nothing) {
    update();
  } else {
    push();
  }
}

bool LogOutput::is_terminal() const { return ::isatty(descriptor_) == 1; }

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
    if (count > 0) {
      written_ += static_cast<std::size_t>(count);
      inside_line_ = waiting_[written_ - 1] != '\n';
    } else if (count < 0 && errno == EAGAIN && poll_) {
      break;
    } else if (count == 0 || errno != EINTR) {
      // Nobody reads any more, or there is no room: the service goes on without.
      gone_ = count < 0 && way_ != Way::file && !may_pass(errno);
      drop_waiting();
    }
  }
  if (waiting() == 0) noted_ = 0;
  if (waiting() == 0 || written_ > high_water) {
    waiting_.erase(0, written_);
    written_ = 0;
  }
  update();
}

void LogOutput::say_dropped(std::size_t room) {
  if (untold_ == 0 || gone_ || !describe_) return;
  const std::string line = describe_(untold_);
  if (line.size() > room) return;
  noted_ += std::exchange(untold_, 0);
  append(line);
}

// A line does not become part of one that was cut.
void LogOutput::append(std::string_view line) {
  if (std::exchange(cut_, false)) waiting_ += '\n';
  waiting_.append(line);
}

void LogOutput::drop_waiting() {
  const std::string_view lost = std::string_view(waiting_).substr(written_);
  const bool only_end_of_first = inside_line_ && lost.starts_with('\n');
  auto lines = static_cast<std::size_t>(std::ranges::count(lost, '\n')) - (only_end_of_first ? 1 : 0);
  if (noted_ > 0 && lines > 0) --lines;
  dropped_ += lines;
  untold_ += lines + std::exchange(noted_, 0);
  waiting_.clear();
  written_ = 0;
  cut_ = inside_line_;
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
  say_dropped(limit);
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
