#include "process/inherited.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "baton/base/descriptor_kind.h"

namespace baton {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  return taken;
}

// Node takes what is no number for 0.
std::optional<unsigned> worker_id(const std::string& text) {
  if (text.empty()) return std::nullopt;
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [last, status] = std::from_chars(text.data(), end, number);
  return status == std::errc() && last == end ? number : 0;
}

// A channel on a standard stream is moved away, so that what is printed does not go to the parent as a
// message.
Result<Fd> clear_of_standard_streams(int number, const std::string& operation) {
  if (number > STDERR_FILENO) return Fd(number);
  Fd moved(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!moved || !null || ::dup2(null.get(), number) < 0) return failure(errno, operation, "dup");
  return moved;
}

}  // namespace

Inherited Inherited::take() {
  Inherited inherited;
  inherited.descriptor_ = take_variable("NODE_CHANNEL_FD");
  inherited.serialization_ = take_variable("NODE_CHANNEL_SERIALIZATION_MODE");
  inherited.from_baton_ = !take_variable("BATON_CHANNEL").empty();
  inherited.entry_ = take_variable("BATON_ENTRY");
  inherited.worker_id_ = baton::worker_id(take_variable("NODE_UNIQUE_ID"));
  return inherited;
}

Result<Fd> Inherited::channel() && {
  const std::string operation = "open the channel to the parent";
  if (descriptor_.empty()) return failure(ENOTCONN, operation, "NODE_CHANNEL_FD is not set");
  int number = -1;
  const char* end = descriptor_.data() + descriptor_.size();
  const auto [last, status] = std::from_chars(descriptor_.data(), end, number);
  const std::string named = "NODE_CHANNEL_FD=" + descriptor_;
  if (status != std::errc() || last != end || number < 0) return failure(EINVAL, operation, named);
  if (!serialization_.empty() && serialization_ != "json" && serialization_ != "advanced") {
    return failure(ENOTSUP, operation, "NODE_CHANNEL_SERIALIZATION_MODE=" + serialization_);
  }
  const DescriptorKind kind = descriptor_kind(number);
  // Somebody else's descriptor is not ours to close.
  if (kind != DescriptorKind::unix_stream) {
    return failure(kind == DescriptorKind::closed ? EBADF : ENOTSOCK, operation, named);
  }
  return clear_of_standard_streams(number, operation);
}

}  // namespace baton
