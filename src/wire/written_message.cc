#include "wire/written_message.h"

#include "wire/channel_codec.h"

namespace baton::wire {

Result<WrittenMessage> WrittenMessage::of(Serialization how, const Value& message) {
  const ChannelLimits limits;
  std::string frame;
  const auto size = ChannelCodec(how, limits.message).append(frame, message, limits.depth);
  if (!size) {
    return failure(static_cast<Errc>(size.error().code().value()), "send", size.error().step());
  }
  return WrittenMessage(how, std::move(frame), *size);
}

}  // namespace baton::wire
