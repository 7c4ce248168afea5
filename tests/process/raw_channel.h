#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/base/fd.h"

namespace baton::test {

/// How long a test waits for what must come; only a broken program reaches it.
constexpr int patience_seconds = 60;

/// One end of a channel without any rules: what the misbehaving peers are made of.
class RawChannel {
 public:
  RawChannel() = default;
  explicit RawChannel(Fd socket) : socket_(std::move(socket)) {
    const timeval patience{patience_seconds, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  void close() { socket_.reset(); }
  void shut_writing() { ::shutdown(socket_.get(), SHUT_WR); }

  /// False: the other end takes no more.
  bool write(std::string_view bytes) { return write_with(bytes, {}); }
  bool line(std::string_view text) { return write(std::string(text) + "\n"); }
  /// Descriptors ride on the first byte.
  bool write_with(std::string_view bytes, std::span<const int> descriptors) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(253 * sizeof(int))> control{};
    while (!bytes.empty()) {
      iovec part{const_cast<char*>(bytes.data()), bytes.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      if (!descriptors.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
      }
      const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
      descriptors = {};
    }
    return true;
  }
  bool line_with(std::string_view text, std::span<const int> descriptors) {
    return write_with(std::string(text) + "\n", descriptors);
  }

  /// One read of up to `most` bytes; 0 at the end. What came with it is added to `received`.
  size_t read(char* bytes, size_t most) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(253 * sizeof(int))> control;
    iovec part{bytes, most};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do {
      got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
      timed_out_ = got < 0 && errno == EAGAIN;
      return 0;
    }
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_type != SCM_RIGHTS) continue;
      for (size_t at = 0; at < header->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(header) + at, sizeof number);
        received.emplace_back(number);
      }
    }
    return static_cast<size_t>(got);
  }
  /// The next line without its LF; nothing at the end.
  std::optional<std::string> next_line() {
    while (true) {
      const size_t end = partial_.find('\n', searched_);
      if (end != std::string::npos) {
        std::string text = partial_.substr(0, end);
        partial_.erase(0, end + 1);
        searched_ = 0;
        return text;
      }
      searched_ = partial_.size();
      std::array<char, size_t{64} << 10> bytes;
      const size_t got = read(bytes.data(), std::min(bytes.size(), piece));
      if (got == 0) return std::nullopt;
      partial_.append(bytes.data(), got);
    }
  }
  /// A message of a channel with advanced serialization begins with its length: so `body` is sent,
  static std::string with_length(std::string_view body) {
    std::string frame;
    for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(body.size() >> shift);
    return frame += body;
  }
  /// and so the next one comes, without its length; nothing at the end.
  std::optional<std::string> next_frame() {
    constexpr size_t prefix = 4;
    const auto whole = [&] {
      size_t length = 0;
      if (partial_.size() < prefix) return prefix;
      for (size_t i = 0; i < prefix; ++i) length = length << 8 | static_cast<unsigned char>(partial_[i]);
      return prefix + length;
    };
    while (partial_.size() < whole()) {
      std::array<char, size_t{64} << 10> bytes;
      const size_t got = read(bytes.data(), std::min(bytes.size(), piece));
      if (got == 0) return std::nullopt;
      partial_.append(bytes.data(), got);
    }
    std::string body = partial_.substr(prefix, whole() - prefix);
    partial_.erase(0, prefix + body.size());
    return body;
  }
  /// The last read ended because nothing came for too long.
  [[nodiscard]] bool timed_out() const { return timed_out_; }

  std::vector<Fd> received;
  /// How much `next_line` reads at once.
  size_t piece = size_t{64} << 10;

 private:
  Fd socket_;
  std::string partial_;
  size_t searched_ = 0;
  bool timed_out_ = false;
};

}  // namespace baton::test
