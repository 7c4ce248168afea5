#include "cli/exchange.h"

#include <array>
#include <string_view>

#include "base/excerpt.h"
#include "wire/peer_value.h"

namespace baton::cli {

using wire::early_member;

namespace {

constexpr std::size_t longest_uid = 128;
constexpr std::size_t longest_kind = 80;
// MessageType of socket.io-adapter.
constexpr int fetch_sockets_response = 8;
constexpr int server_side_emit_response = 10;

}  // namespace

void Exchange::left(WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  for (const std::string& name : found->second.names) owners_.erase(name);
  workers_.erase(found);
}

std::optional<std::vector<Exchange::WorkerId>> Exchange::recipients(WorkerId from, const Value& message) {
  const auto sender = workers_.find(from);
  if (sender == workers_.end()) return std::nullopt;
  if (early_member(message, "source") == Value("_sio_adapter")) return of_socket_io(from, message);
  const Value& topic = early_member(message, "topic");
  if (!topic.is_string() || early_member(message, "data").is_undefined()) return std::nullopt;
  const bool told_to_who_says_it = topic == Value("log4js:message") && sender->second.slot == 1;
  if (told_to_who_says_it) return std::nullopt;
  return all_but(0);
}

std::vector<Exchange::WorkerId> Exchange::of_socket_io(WorkerId from, const Value& message) {
  remember(from, early_member(message, "uid"));
  const Value& type = early_member(message, "type");
  if (type == Value(fetch_sockets_response) || type == Value(server_side_emit_response)) {
    const std::string* asked_by = early_member(message, "requesterUid").get_if_string();
    const auto owner = asked_by == nullptr ? owners_.end() : owners_.find(*asked_by);
    if (owner != owners_.end()) return {owner->second};
  }
  return all_but(from);
}

// Who says another's name after it has heard it is not answered in its place.
void Exchange::remember(WorkerId worker, const Value& name) {
  const std::string* text = name.get_if_string();
  if (text == nullptr || text->size() > longest_uid || !owners_.emplace(*text, worker).second) return;
  auto& names = workers_.at(worker).names;
  names.push_back(*text);
  if (names.size() <= most_names) return;
  owners_.erase(names.front());
  names.pop_front();
}

std::vector<Exchange::WorkerId> Exchange::all_but(WorkerId one) const {
  std::vector<WorkerId> all;
  for (const auto& [id, worker] : workers_) {
    if (id != one) all.push_back(id);
  }
  return all;
}

std::string Exchange::kind_of(const Value& message) {
  constexpr std::array<std::string_view, 8> keys{"topic", "source", "channel", "type",
                                                 "cmd",   "event",  "action",  "kind"};
  for (const std::string_view key : keys) {
    if (const std::string* text = early_member(message, key).get_if_string()) {
      return std::string(key) + " " + excerpt(*text, longest_kind);
    }
  }
  return {};
}

}  // namespace baton::cli
