#include "wire/handle_message.h"

#include <utility>

#include "wire/latin1.h"
#include "wire/peer_value.h"

namespace baton::wire {

std::string_view internal_command(const Value& message) noexcept {
  const std::string* text = early_member(message, "cmd").get_if_string();
  if (text == nullptr || text->size() <= 5 || !text->starts_with("NODE_")) return {};
  return *text;
}

HandleMessage::HandleMessage(Value message) {
  // Moved and never copied: hundreds of levels may lie around millions of values.
  int levels = 1;
  for (; internal_command(early_member(message, "msg")) == "NODE_HANDLE"; ++levels) {
    Value inner = take_early_member(std::move(message), "msg");
    message = std::move(inner);
  }
  if (const auto* type = early_member(message, "type").get_if_string()) type_ = *type;
  const auto* key = early_member(message, "key").get_if_string();
  if (key != nullptr && key->size() <= longest_key) key_ = *key;
  if (const Value& ahead = early_member(message, "ahead"); !ahead.is_undefined()) {
    const auto* text = ahead.get_if_string();
    ahead_ = text == nullptr ? std::nullopt : bytes_of_text(*text);
    if (ahead_ && ahead_->size() > most_ahead) ahead_.reset();
  }
  message_ = take_early_member(std::move(message), "msg");
  message_.move_references(-levels);  // the objects around it were the first ones
}

bool HandleMessage::fits(DescriptorKind kind) const noexcept {
  using enum DescriptorKind;
  const bool listener = kind == tcp_listener || kind == unix_listener;
  const bool stream = kind == tcp || kind == unix_stream;
  if (type_ == "net.Server") return listener || stream;  // a socket that is only bound is listened on here
  if (type_ == "net.Socket") return stream || kind == pipe;
  if (type_ == "net.Native") return listener || stream || kind == pipe;
  if (type_ == "net.BoundSocket") return kind == tcp;  // the driver looks closer
  if (type_ == "dgram.Socket" || type_ == "dgram.Native") return kind == udp;
  return false;
}

std::string_view HandleMessage::native_type(DescriptorKind kind) noexcept {
  switch (kind) {
    case DescriptorKind::tcp_listener:
    case DescriptorKind::tcp:
    case DescriptorKind::unix_listener:
    case DescriptorKind::unix_stream:
    case DescriptorKind::pipe:
      return "net.Native";
    case DescriptorKind::udp:
      return "dgram.Native";
    default:
      return {};
  }
}

}  // namespace baton::wire
