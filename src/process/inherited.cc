#include "process/inherited.h"

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

}  // namespace

Inherited Inherited::take() {
  Inherited inherited;
  inherited.descriptor_ = take_variable("NODE_CHANNEL_FD");
  inherited.serialization_ = take_variable("NODE_CHANNEL_SERIALIZATION_MODE");
  inherited.from_baton_ = !take_variable("BATON_CHANNEL").empty();
  inherited.entry_ = take_variable("BATON_ENTRY");
  take_variable("NODE_UNIQUE_ID");
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
  if (!serialization_.empty() && serialization_ != "json") {
    return failure(ENOTSUP, operation, "NODE_CHANNEL_SERIALIZATION_MODE=" + serialization_);
  }
  const DescriptorKind kind = descriptor_kind(number);
  // Somebody else's descriptor is not ours to close.
  if (kind != DescriptorKind::unix_stream) {
    return failure(kind == DescriptorKind::closed ? EBADF : ENOTSOCK, operation, named);
  }
  return Fd(number);
}

}  // namespace baton
