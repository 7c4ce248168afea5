#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/descriptor_kind.h"
#include "baton/wire/value.h"

namespace baton::wire {

/// What Bun begins its internal lines with.
inline constexpr char internal_mark = '\x02';
/// The longest key of a server: an address and some numbers, or a path.
inline constexpr size_t longest_key = 1024;
/// How many bytes that were read ahead travel with a connection.
inline constexpr size_t most_ahead = size_t{1} << 20;

/// The member `cmd` of a message of the NODE_ kind, which is not for the program; empty for every other
/// message.
[[nodiscard]] std::string_view internal_command(const Value& message) noexcept;

/// A message that a handle comes with:
/// {"cmd":"NODE_HANDLE","type":...,"msg":...[,"key":...][,"dgramType":...]}, and between two Batons
/// [,"ahead":...]: what was read from the connection already, one character a byte.
class HandleMessage {
 public:
  /// Takes a NODE_HANDLE message apart. One that Node has wrapped a second time, as it does when it sends
  /// again, is taken for what it was.
  explicit HandleMessage(Value message);

  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  /// Of the server that accepted the socket; empty if there is none, or a longer one than there can be.
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  /// The bytes that were read ahead; nothing if that is no text of bytes, or too long.
  [[nodiscard]] const std::optional<std::string>& ahead() const noexcept { return ahead_; }
  /// What the program said; undefined if nothing.
  [[nodiscard]] Value take_message() { return std::move(message_); }
  /// Whether a descriptor of this kind can be served as this type. False too for a type that nobody knows.
  [[nodiscard]] bool fits(DescriptorKind kind) const noexcept;

  /// The type that a descriptor travels as when no object of Node's stands for it; empty if it may not
  /// travel.
  [[nodiscard]] static std::string_view native_type(DescriptorKind kind) noexcept;

 private:
  std::string type_;
  std::string key_;
  std::optional<std::string> ahead_ = std::string();
  Value message_;
};

}  // namespace baton::wire
