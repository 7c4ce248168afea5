#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/wire/value.h"

namespace baton::wire {

/// A request over a channel, or the reply to one: plain messages, which any peer can read and write.
///
///   {"cmd":"BATON_REQUEST","id":7,"value":...}
///   {"cmd":"BATON_REPLY","id":7,"value":...}
///   {"cmd":"BATON_REPLY","id":7,"error":{"message":"..."}}
///
/// What is not among the first 64 members is not looked at.
enum class CallKind : uint8_t { none, request, reply };
struct Call {
  CallKind kind = CallKind::none;
  int64_t id = 0;
  Value value{};
  std::optional<std::string> error{};  // of a reply that says that there is none
};

/// What a message is. Only with a number it is one of them.
[[nodiscard]] CallKind call_kind(const Value& message) noexcept;
/// What it says, of a message that is one; of the reason that a peer gives the first KiB.
[[nodiscard]] Call read_call(Value&& message);

[[nodiscard]] Value request(int64_t id, Value value);
[[nodiscard]] Value reply(int64_t id, Value value);
[[nodiscard]] Value refusal(int64_t id, std::string_view why);

}  // namespace baton::wire
