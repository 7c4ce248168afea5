#include "net/address_race.h"

#include <array>
#include <deque>
#include <utility>

namespace baton::net {
namespace {

constexpr std::size_t most_addresses = 16;

}  // namespace

std::optional<std::size_t> AddressRace::next(Time now) {
  if (begun_ == addresses_ || now < due_) return std::nullopt;
  due_ = now + head_start;
  return begun_++;
}

void AddressRace::failed(Time now) {
  ++failed_;
  due_ = now;
}

std::optional<AddressRace::Time> AddressRace::due() const {
  if (begun_ == addresses_) return std::nullopt;
  return due_;
}

std::vector<Endpoint> families_in_turn(const std::vector<Endpoint>& addresses) {
  std::array<std::deque<const Endpoint*>, 2> lists;  // of the first one's family, and of the other
  for (const Endpoint& each : addresses) {
    lists[each.family() == addresses.front().family() ? 0 : 1].push_back(&each);
  }
  std::vector<Endpoint> in_turn;
  for (std::size_t list = 0; in_turn.size() < most_addresses; list = 1 - list) {
    if (lists[list].empty()) list = 1 - list;
    if (lists[list].empty()) break;
    in_turn.push_back(*lists[list].front());
    lists[list].pop_front();
  }
  return in_turn;
}

}  // namespace baton::net
