#pragma once

#include <cstddef>
#include <string_view>

#include "baton/wire/value.h"

namespace baton::wire {

/// Where members are looked for in a message of a peer's, which may have millions of them.
inline constexpr std::size_t most_members_looked_at = 64;
/// A member that is among the first 64; undefined if none is. Whoever says what the channel and the layers
/// above understand does so in few members.
[[nodiscard]] const Value& early_member(const Value& message, std::string_view key) noexcept;
/// The same, taken out of a message that goes away.
[[nodiscard]] Value take_early_member(Value&& message, std::string_view key) noexcept;

/// Whether a text of so many bytes could be all that it says: then nothing that is done with it takes long,
/// nor did this. What JSON does not know may be anything, but bytes.
[[nodiscard]] bool is_short(const Value& value, std::size_t bytes) noexcept;

}  // namespace baton::wire
