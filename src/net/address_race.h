#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "baton/net/endpoint.h"

namespace baton::net {

/// Which address of a name is tried when, as RFC 8305 says: one after the other, the next as soon as one has
/// failed or `head_start` after the one before. A state machine: no socket, no clock of its own.
class AddressRace {
 public:
  using Time = std::chrono::nanoseconds;

  /// How long an address is tried alone: what the RFC recommends, and Node takes.
  static constexpr Time head_start = std::chrono::milliseconds(250);

  explicit AddressRace(std::size_t addresses) : addresses_(addresses) {}

  /// The number of the address to be tried now, 0 up; nothing if none is due.
  std::optional<std::size_t> next(Time now);
  /// An address that was tried has failed.
  void failed(Time now);
  /// When another one is due; nothing if all were tried.
  [[nodiscard]] std::optional<Time> due() const;
  /// Whether all have failed.
  [[nodiscard]] bool lost() const noexcept { return begun_ == addresses_ && failed_ == addresses_; }

 private:
  std::size_t addresses_;
  std::size_t begun_ = 0;
  std::size_t failed_ = 0;
  Time due_ = Time::min();
};

/// In the resolver's order, but the families in turn, so that one that does not work here costs one
/// `head_start` and not many; the first 16.
[[nodiscard]] std::vector<Endpoint> families_in_turn(const std::vector<Endpoint>& addresses);

}  // namespace baton::net
