#include "wire/socket_counts.h"

#include <utility>

namespace baton::wire {

void SocketCounts::opened(const std::string& key) {
  if (lists_.size() >= most_servers && !lists_.contains(key)) make_room();
  if (lists_.size() < most_servers || lists_.contains(key)) ++lists_[key].open;
}

void SocketCounts::make_room() {
  std::erase_if(lists_, [](const auto& entry) { return entry.second.open == 0; });
}

bool SocketCounts::closed(const std::string& key) {
  const auto list = lists_.find(key);
  if (list == lists_.end() || list->second.open == 0) return false;
  if (--list->second.open > 0) return false;
  return std::exchange(list->second.tell, false);
}

std::optional<uint64_t> SocketCounts::count(const std::string& key) const {
  const auto list = lists_.find(key);
  if (list == lists_.end()) return std::nullopt;
  return list->second.open;
}

bool SocketCounts::tell_when_closed(const std::string& key) {
  const auto list = lists_.find(key);
  if (list == lists_.end()) return false;
  list->second.tell = list->second.open > 0;
  return !list->second.tell;
}

}  // namespace baton::wire
