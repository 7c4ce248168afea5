#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/wire/serialization.h"
#include "baton/wire/value.h"
#include "wire/channel_limits.h"
#include "wire/length_framer.h"
#include "wire/line_framer.h"

namespace baton::wire {

/// What is said of a handle beside the message that it comes with: its type, and, where they are not empty,
/// the key of its server, a UDP socket's kind as Node calls it, and the bytes that were read from it ahead.
struct Envelope {
  std::string_view type;
  std::string_view key{};
  std::string_view dgram_type{};
  std::string_view ahead{};
};

/// The message in a frame.
[[nodiscard]] Result<Value> read_message(Serialization serialization, std::string_view text,
                                         const ChannelLimits& limits);

/// The same, if it costs the loop little: a text of up to `at_once` bytes whose value takes hardly more. Else
/// Errc::message_too_large: it is to be read elsewhere, if `reads_elsewhere`.
[[nodiscard]] Result<Value> read_at_once(Serialization serialization, std::string_view text,
                                         const ChannelLimits& limits);

/// How one end of a channel writes messages and reads them: the only place that knows the serialization.
class ChannelCodec {
 public:
  /// `limit`: the longest frame that is read, in bytes.
  ChannelCodec(Serialization serialization, size_t limit);

  // Frames to send, whole: with their end, or the length that they begin with.

  /// Appends a message, nested no deeper than `depth`, in the envelope of a handle if it comes with one. On
  /// failure `out` is as it was. Returns the size that counts against a limit: without end or length.
  Result<size_t> append(std::string& out, const Value& message, unsigned depth,
                        const Envelope* envelope = nullptr) const;
  [[nodiscard]] const std::string& ack() const noexcept;
  [[nodiscard]] const std::string& nack() const noexcept;
  /// A message of the channel's own.
  [[nodiscard]] std::string frame(const Value& message) const;

  // Frames that come.

  void feed(std::string_view bytes) noexcept;
  [[nodiscard]] std::optional<Frame> next();
  /// The text of the last frame, or its end, to keep; copied only if it is short.
  [[nodiscard]] std::string take_text(std::string_view text);
  /// What was fed and is in no frame yet.
  [[nodiscard]] std::string_view rest() const noexcept;
  [[nodiscard]] bool overflowed() const noexcept;
  [[nodiscard]] uint64_t position() const noexcept;
  /// Whether it is an acknowledgement, in the spelling that everybody has.
  [[nodiscard]] bool is_ack(std::string_view text) const noexcept;
  /// @{
  /// The message in a frame.
  [[nodiscard]] Result<Value> read(std::string_view text, const ChannelLimits& limits) const {
    return read_message(serialization_, text, limits);
  }
  [[nodiscard]] Result<Value> read_at_once(std::string_view text, const ChannelLimits& limits) const {
    return wire::read_at_once(serialization_, text, limits);
  }
  /// @}
  /// How a bad frame begins, for a person to read.
  [[nodiscard]] std::string excerpt(std::string_view text) const;
  /// Whether the frame begins with the mark of Bun's internal messages, which is then taken off.
  [[nodiscard]] bool take_mark(std::string_view& text) const noexcept;

 private:
  class Answers;

  Serialization serialization_;
  const Answers* answers_;
  LineFramer lines_;
  LengthFramer lengths_;
};

}  // namespace baton::wire
