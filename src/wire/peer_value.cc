#include "wire/peer_value.h"

#include <algorithm>
#include <utility>

namespace baton::wire {
namespace {

constexpr std::size_t of_each = 16;  // bytes that a value counts, and what it holds beside that

// `left`: of the bytes.
bool fits_in(const Value& value, std::size_t& left) noexcept {
  const auto takes = [&left](std::size_t bytes) {
    const bool enough = bytes <= left;
    left -= std::min(bytes, left);
    return enough;
  };
  const std::string* text = value.get_if_string();
  if (text == nullptr) text = value.get_if_bytes();
  if (!takes(of_each + (text == nullptr ? 0 : text->size()))) return false;
  const bool plain =
      value.kind() <= Value::Kind::date || text != nullptr || value.is_array() || value.is_object();
  return plain &&
         std::ranges::all_of(value.elements(), [&](const Value& one) { return fits_in(one, left); }) &&
         std::ranges::all_of(value.members(), [&](const Value::Member& one) {
           return takes(one.first.size()) && fits_in(one.second, left);
         });
}

}  // namespace

const Value& early_member(const Value& message, std::string_view key) noexcept {
  static const Value none;
  const auto members = message.members();
  const auto early = members.first(std::min(members.size(), most_members_looked_at));
  const auto found = std::ranges::find(early, key, &Value::Member::first);
  return found == early.end() ? none : found->second;
}

Value take_early_member(Value&& message, std::string_view key) noexcept {
  if (!message.is_object() || early_member(message, key).is_undefined()) return {};
  return std::move(message).take(key);
}

bool is_short(const Value& value, std::size_t bytes) noexcept { return fits_in(value, bytes); }

}  // namespace baton::wire
