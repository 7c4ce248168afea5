#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace baton::wire {

/// How many sockets of each of the peer's servers are open on this side (Node's SocketListReceive): the peer
/// may ask for the count, and to be told when the last one has closed.
class SocketCounts {
 public:
  void opened(const std::string& key) { ++lists_[key].open; }
  /// True: it was the last one, and the peer wants to be told.
  [[nodiscard]] bool closed(const std::string& key);
  /// The count; nothing for a server that was never heard of, and then nothing is answered, as Node does.
  [[nodiscard]] std::optional<uint64_t> count(const std::string& key) const;
  /// The peer wants to be told. True: at once, none is open.
  [[nodiscard]] bool tell_when_closed(const std::string& key);

 private:
  struct List {
    uint64_t open = 0;
    bool tell = false;
  };
  std::map<std::string, List> lists_;
};

}  // namespace baton::wire
