#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "baton/cluster/policy.h"

namespace baton::cluster {

/// What a choice is made of: one user of a listener.
struct Choice {
  Candidate worker;
  bool room = true;       // takes one now
  bool worth_it = false;  // no room, but so soon again that its turn is waited for
};

/// The worker that comes after `last` in turn: its index; nothing if nobody has room, or the next one in turn
/// is worth waiting for.
[[nodiscard]] std::optional<size_t> in_turn(std::span<const Choice> workers, uint32_t last);
/// Whose turn that is, if it is worth waiting for: its index.
[[nodiscard]] std::optional<size_t> awaited(std::span<const Choice> workers, uint32_t last);
/// Of two at random with room, the less loaded. `random`: any number, all of its bits.
[[nodiscard]] std::optional<size_t> less_loaded(std::span<const Choice> workers, uint64_t random);
/// The highest by rendezvous hash of `client` with the slot, of those that have room or are worth waiting
/// for.
[[nodiscard]] std::optional<size_t> sticky(std::span<const Choice> workers, std::string_view client);
/// What stands for a long `client`: short, and the same for the same one.
[[nodiscard]] std::string digest(std::string_view client);
/// By the program's function, of those with room.
[[nodiscard]] std::optional<size_t> chosen(std::span<const Choice> workers, const Chooser& chooser,
                                           std::string_view client);

}  // namespace baton::cluster
