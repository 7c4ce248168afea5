#include "http/file_body.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <utility>

#include "http/server_core.h"
#include "net/send_file.h"

namespace baton::http {
namespace {

// A client with a fast line must not keep the others of the loop waiting.
constexpr std::size_t most_at_once = std::size_t{1} << 20;

std::string operation_on(const std::string& path) { return "answer with " + path; }

}  // namespace

Result<Connection::FileBody> Connection::FileBody::open(const std::string& path, std::uint64_t offset,
                                                        std::uint64_t length) {
  if (path.find('\0') != std::string::npos) {
    return failure(EINVAL, operation_on(path.c_str()), "a NUL byte in the path");
  }
  // Opening a FIFO would wait for its other end.
  FileBody file{Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), path, offset, 0};
  const std::string operation = operation_on(path);
  if (!file.descriptor) return failure(errno, operation, "open");
  struct stat status{};
  if (::fstat(file.descriptor.get(), &status) != 0) return failure(errno, operation, "fstat");
  if (S_ISDIR(status.st_mode)) return failure(EISDIR, operation, "open");
  if (!S_ISREG(status.st_mode)) return failure(EINVAL, operation, "it is no regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (offset > size) return failure(EINVAL, operation, "it ends before the part that is wanted");
  file.left = std::min(length, size - offset);
  return file;
}

Result<void> Connection::end_with_file(const std::string& path, std::uint64_t offset, std::uint64_t length) {
  if (is_cut()) {
    end_response({});
    return {};
  }
  if (!may_change_head()) return {};
  auto file = FileBody::open(path, offset, length);
  if (!file) return std::unexpected(std::move(file.error()));
  if (const auto promised = head_.content_length(); promised && *promised != file->left) {
    throw std::logic_error("the file is not as long as its Content-Length");
  }
  const auto self = shared_from_this();
  send_head(head_.has_body() ? Framing::length(file->left) : Framing::none());
  forget_body_waits();
  if (silent_ || file->left == 0) {
    body_left_ = 0;
    end_response({});
    return {};
  }
  phase_ = Phase::sending;
  file_ = std::make_unique<FileBody>(std::move(*file));
  flush_through();
  send_file();
  // What is left of the request is dropped meanwhile: its client may not read before it has sent everything.
  if (phase_ == Phase::sending) proceed_later();
  // The caller may still look at the response.
  if (!core_) loop_.defer([self] {});
  return {};
}

void Connection::send_file() {
  for (std::size_t room = most_at_once; socket_.queued() == 0 && file_->left > 0 && room > 0;) {
    const std::size_t part = std::min<std::uint64_t>(file_->left, room);
    const ssize_t sent = net::send_file(socket_.descriptor(), file_->descriptor.get(), file_->at, part);
    if (sent > 0) {
      file_->left -= static_cast<std::uint64_t>(sent);
      queued_ever_ += static_cast<std::uint64_t>(sent);
      room -= static_cast<std::size_t>(sent);
    } else if (sent == 0) {
      return fail_file(EIO, "it became shorter");
    } else if (errno == EAGAIN) {
      break;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return leave();
    } else if (errno != EINTR) {
      return fail_file(errno, "sendfile");
    }
  }
  if (file_->left > 0) {
    socket_.when_writable([this] {
      const auto self = shared_from_this();
      send_file();
    });
    return;
  }
  file_.reset();
  phase_ = Phase::answered;
  proceed_later();
}

// Short of its Content-Length the connection is cut, so that the client notices.
void Connection::fail_file(int error, std::string_view step) {
  core_->report(Error(error, operation_on(file_->path), step));
  leave();
}

}  // namespace baton::http
