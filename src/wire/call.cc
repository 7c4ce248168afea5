#include "wire/call.h"

#include <utility>

#include "base/excerpt.h"
#include "wire/peer_value.h"

namespace baton::wire {
namespace {

constexpr std::string_view request_command = "BATON_REQUEST";
constexpr std::string_view reply_command = "BATON_REPLY";

Value message_of(std::string_view command, int64_t id) {
  return Value::object().set("cmd", command).set("id", id);
}

}  // namespace

CallKind call_kind(const Value& message) noexcept {
  const std::string* command = early_member(message, "cmd").get_if_string();
  if (command == nullptr || !early_member(message, "id").is_integer()) return CallKind::none;
  if (*command == request_command) return CallKind::request;
  return *command == reply_command ? CallKind::reply : CallKind::none;
}

Call read_call(Value&& message) {
  Call call{.kind = call_kind(message), .id = early_member(message, "id").as_integer()};
  const Value& error = early_member(message, "error");
  if (call.kind == CallKind::reply && !error.is_undefined() && !error.is_null()) {
    const Value& text = error.is_string() ? error : early_member(error, "message");
    call.error = text.is_string() ? excerpt(text.as_string()) : "it does not say why";
  }
  call.value = take_early_member(std::move(message), "value");
  return call;
}

Value request(int64_t id, Value value) {
  return message_of(request_command, id).set("value", std::move(value));
}
Value reply(int64_t id, Value value) { return message_of(reply_command, id).set("value", std::move(value)); }
Value refusal(int64_t id, std::string_view why) {
  return message_of(reply_command, id).set("error", Value::object().set("message", why));
}

}  // namespace baton::wire
