#include "wire/channel_codec.h"

#include <limits>
#include <utility>

#include "baton/wire/advanced.h"
#include "baton/wire/json.h"
#include "wire/handle_message.h"
#include "wire/latin1.h"
#include "wire/v8_writer.h"

namespace baton::wire {
namespace {

constexpr size_t quoted_of_a_bad_frame = 64;
constexpr size_t shown_of_bad_bytes = 32;
constexpr size_t longest_advanced = std::numeric_limits<int32_t>::max();  // Node 18 reads it with a sign

// The members that not every envelope has, in Node's order.
template <class F>
void each_extra(const Envelope& envelope, F one) {
  if (!envelope.key.empty()) one("key", envelope.key);
  if (!envelope.dgram_type.empty()) one("dgramType", envelope.dgram_type);
  if (!envelope.ahead.empty()) one("ahead", text_of_bytes(envelope.ahead));
}

Result<void> append_json(std::string& out, const Value& message, unsigned depth, const Envelope* envelope) {
  if (envelope == nullptr) return write_json(message, out, JsonLimits().depth(depth));
  const auto quote = [&](std::string_view text) { (void)write_json(Value(text), out); };
  out += R"({"cmd":"NODE_HANDLE","type":)";
  quote(envelope->type);
  out += R"(,"msg":)";
  if (auto written = write_json(message, out, JsonLimits().depth(depth - 1)); !written) return written;
  each_extra(*envelope, [&](std::string_view name, std::string_view text) {
    out += ',';
    quote(name);
    out += ':';
    quote(text);
  });
  out += '}';
  return {};
}

Result<void> append_advanced(std::string& out, const Value& message, unsigned depth,
                             const Envelope* envelope) {
  // Node refuses it, though there is a byte for it.
  if (message.is_undefined() || message.is_hole()) {
    return failure(Errc::bad_message, "write a message", "undefined is no message");
  }
  v8::Writer writer(out);
  if (envelope == nullptr) return writer.value(message, depth);
  writer.begin_object();
  writer.string("cmd");
  writer.string("NODE_HANDLE");
  writer.string("type");
  writer.string(envelope->type);
  writer.string("msg");
  if (auto written = writer.value(message, depth - 1); !written) return written;
  unsigned members = 3;
  each_extra(*envelope, [&](std::string_view name, std::string_view text) {
    writer.string(name);
    writer.string(text);
    ++members;
  });
  writer.end_object(members);
  return {};
}

Result<size_t> append_frame(Serialization serialization, std::string& out, const Value& message,
                            unsigned depth, const Envelope* envelope) {
  const size_t start = out.size();
  const bool advanced = serialization == Serialization::advanced;
  if (advanced) out.append(LengthFramer::prefix_size, '\0');
  const size_t body = out.size();
  auto written =
      advanced ? append_advanced(out, message, depth, envelope) : append_json(out, message, depth, envelope);
  const size_t size = out.size() - body;
  if (written && advanced && size > longest_advanced) {
    written = failure(Errc::message_too_large, "write a message", std::to_string(size) + " bytes");
  }
  if (!written) {
    out.resize(start);
    return std::unexpected(std::move(written).error());
  }
  if (!advanced) {
    out += '\n';
    return size;
  }
  for (size_t i = 0; i < LengthFramer::prefix_size; ++i) {
    out[start + i] = static_cast<char>(size >> (8 * (LengthFramer::prefix_size - 1 - i)));
  }
  return size;
}

std::string answer(Serialization serialization, std::string_view command) {
  std::string frame;
  (void)append_frame(serialization, frame, Value::object().set("cmd", command), 1, nullptr);
  return frame;
}

}  // namespace

Result<Value> read_message(Serialization serialization, std::string_view text, const ChannelLimits& limits) {
  if (serialization == Serialization::json) {
    return read_json(text, JsonLimits().depth(limits.depth).memory(limits.memory, limits.growth));
  }
  return read_advanced(text, AdvancedLimits().depth(limits.depth).memory(limits.memory, limits.growth));
}

// What costs the loop much time takes much memory, for a text no more than its size.
Result<Value> read_at_once(Serialization serialization, std::string_view text, const ChannelLimits& limits) {
  constexpr size_t beside_text = size_t{64} << 10;
  if (!limits.reads_elsewhere()) return read_message(serialization, text, limits);
  if (text.size() > limits.at_once) return failure(Errc::message_too_large, "read at once");
  ChannelLimits cheap = limits;
  cheap.memory = limits.at_once + beside_text;
  cheap.growth = 1;
  return read_message(serialization, text, cheap);
}

/// What is sent all the time.
class ChannelCodec::Answers {
 public:
  static const Answers& in(Serialization serialization) {
    static const Answers json(Serialization::json);
    static const Answers advanced(Serialization::advanced);
    return serialization == Serialization::json ? json : advanced;
  }
  [[nodiscard]] const std::string& ack() const noexcept { return ack_; }
  [[nodiscard]] const std::string& nack() const noexcept { return nack_; }
  [[nodiscard]] std::string_view ack_text() const noexcept { return ack_text_; }

 private:
  explicit Answers(Serialization serialization)
      : ack_(answer(serialization, "NODE_HANDLE_ACK")), nack_(answer(serialization, "NODE_HANDLE_NACK")) {
    ack_text_ = ack_;
    if (serialization == Serialization::json) {
      ack_text_.remove_suffix(1);
    } else {
      ack_text_.remove_prefix(LengthFramer::prefix_size);
    }
  }
  std::string ack_;
  std::string nack_;
  std::string_view ack_text_;
};

ChannelCodec::ChannelCodec(Serialization serialization, size_t limit)
    : serialization_(serialization), answers_(&Answers::in(serialization)), lines_(limit), lengths_(limit) {}

const std::string& ChannelCodec::ack() const noexcept { return answers_->ack(); }
const std::string& ChannelCodec::nack() const noexcept { return answers_->nack(); }
bool ChannelCodec::is_ack(std::string_view text) const noexcept { return text == answers_->ack_text(); }

Result<size_t> ChannelCodec::append(std::string& out, const Value& message, unsigned depth,
                                    const Envelope* envelope) const {
  return append_frame(serialization_, out, message, depth, envelope);
}

std::string ChannelCodec::frame(const Value& message) const {
  std::string frame;
  (void)append(frame, message, Value::max_depth);
  return frame;
}

void ChannelCodec::feed(std::string_view bytes) noexcept {
  serialization_ == Serialization::json ? lines_.feed(bytes) : lengths_.feed(bytes);
}
std::optional<Frame> ChannelCodec::next() {
  return serialization_ == Serialization::json ? lines_.next() : lengths_.next();
}
std::string ChannelCodec::take_text(std::string_view text) {
  return serialization_ == Serialization::json ? lines_.take_text(text) : lengths_.take_text(text);
}
std::string_view ChannelCodec::rest() const noexcept {
  return serialization_ == Serialization::json ? lines_.rest() : lengths_.rest();
}
bool ChannelCodec::overflowed() const noexcept { return lines_.overflowed() || lengths_.overflowed(); }
uint64_t ChannelCodec::position() const noexcept {
  return serialization_ == Serialization::json ? lines_.position() : lengths_.position();
}

std::string ChannelCodec::excerpt(std::string_view text) const {
  std::string shown;
  if (serialization_ == Serialization::json) {
    (void)write_json(Value(text.substr(0, quoted_of_a_bad_frame)), shown);
    return shown;
  }
  constexpr char digits[] = "0123456789abcdef";
  for (const char c : text.substr(0, shown_of_bad_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += {digits[byte >> 4], digits[byte & 15]};
  }
  return text.empty() ? "nothing" : shown;
}

bool ChannelCodec::take_mark(std::string_view& text) const noexcept {
  if (serialization_ != Serialization::json || !text.starts_with(internal_mark)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace baton::wire
