#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

namespace baton::http {

// How many connections each IP address has; knows only those that have one.
class AddressCounts {
 public:
  // Stays where it is while it is counted.
  using Entry = std::unordered_map<std::string, std::size_t>::value_type;

  // None if the address has `most` already.
  [[nodiscard]] Entry* add(const std::string& address, std::size_t most) {
    Entry& entry = *counts_.try_emplace(address).first;
    if (entry.second >= most) return nullptr;
    ++entry.second;
    return &entry;
  }
  void remove(const Entry* entry) {
    const auto place = counts_.find(entry->first);
    if (--place->second == 0) counts_.erase(place);
  }

 private:
  std::unordered_map<std::string, std::size_t> counts_;
};

}  // namespace baton::http
