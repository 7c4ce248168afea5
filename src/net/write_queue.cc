#include "net/write_queue.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/spare_text.h"
#include "loop/turn.h"
#include "net/pipe_io.h"

namespace baton::net {
namespace {

constexpr size_t joined_chunk = size_t{64} << 10;
constexpr size_t most_pieces = 32;
// In one call: while a quick reader takes them, the kernel would go on and on.
constexpr size_t most_bytes = size_t{1} << 20;

}  // namespace

void WriteQueue::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (chunks_.empty() || chunks_.back().size() + bytes.size() > joined_chunk) chunks_.emplace_back();
  chunks_.back().append(bytes);
  size_ += bytes.size();
}

void WriteQueue::append(std::string&& bytes) {
  const bool joins = !chunks_.empty() && chunks_.back().size() + bytes.size() <= joined_chunk;
  // What waits takes no more memory than it is counted for.
  if (joins || bytes.size() < bytes.capacity() / 4) {
    append(std::string_view(bytes));
    return keep_spare_text(std::move(bytes));
  }
  if (bytes.empty()) return;
  size_ += bytes.size();
  chunks_.emplace_back(std::move(bytes));
}

size_t WriteQueue::write_through(int descriptor, std::string_view bytes) {
  if (size_ > 0 || !socket_) return 0;
  const ssize_t sent =
      ::send(descriptor, bytes.data(), std::min(bytes.size(), most_bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
  // Any failure is met again, and told, when the queue is flushed.
  if (sent <= 0) return 0;
  written_ += static_cast<size_t>(sent);
  return static_cast<size_t>(sent);
}

void WriteQueue::attach(int descriptor) {
  cut();
  marks_.back().descriptor = descriptor;
  marks_.back().carries = true;
}

void WriteQueue::cut() {
  const uint64_t here = written_ + size_;
  if (marks_.empty() || marks_.back().offset != here) marks_.emplace_back(here, -1, false);
}

void WriteQueue::clear() noexcept {
  chunks_.clear();
  marks_.clear();
  head_ = 0;
  size_ = 0;
}

// One system call: the bytes up to the next one that carries a descriptor of its own.
long WriteQueue::send_run(int descriptor) {
  const bool marked = !marks_.empty() && marks_.front().offset == written_;
  const bool carries = marked && marks_.front().carries;
  uint64_t limit = std::min(size_, most_bytes);
  const size_t next = marked ? 1 : 0;
  if (marks_.size() > next) limit = std::min(limit, marks_[next].offset - written_);

  std::array<iovec, most_pieces> pieces;
  size_t count = 0;
  size_t skip = head_;
  for (auto chunk = chunks_.begin(); chunk != chunks_.end() && count < most_pieces && limit > 0; ++chunk) {
    const size_t length = std::min<uint64_t>(chunk->size() - skip, limit);
    pieces[count++] = {chunk->data() + skip, length};
    limit -= length;
    skip = 0;
  }
  if (!socket_) return write_without_waiting(descriptor, pieces.data(), static_cast<int>(count));

  // The plain call costs the kernel less than the one that could carry more.
  if (!carries && count == 1) {
    const long sent = ::send(descriptor, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0 && marked) marks_.pop_front();
    return sent;
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (carries) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &marks_.front().descriptor, sizeof(int));
  }
  const long sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  // Whatever part of the run went, the descriptor went with its first byte.
  if (sent > 0 && marked) marks_.pop_front();
  return sent;
}

void WriteQueue::consume(size_t count) {
  written_ += count;
  size_ -= count;
  while (count > 0) {
    const size_t left = chunks_.front().size() - head_;
    if (count < left) {
      head_ += count;
      return;
    }
    count -= left;
    head_ = 0;
    keep_spare_text(std::move(chunks_.front()));
    chunks_.pop_front();
  }
}

WriteQueue::State WriteQueue::flush(int descriptor) {
  std::optional<Turn::Clock::time_point> until;
  while (size_ > 0) {
    const long sent = send_run(descriptor);
    if (sent >= 0) {
      consume(static_cast<size_t>(sent));
      if (size_ == 0) break;
      const auto now = Turn::Clock::now();
      if (!until) until = now + Turn::share;
      if (now >= *until) return State::blocked;
    } else if (errno == ENOTSOCK && socket_) {
      socket_ = false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return State::blocked;
    } else if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM) {
      return State::starved;
    } else if (errno != EINTR) {
      error_ = errno;
      return State::failed;
    }
  }
  return State::empty;
}

}  // namespace baton::net
