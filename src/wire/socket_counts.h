#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace baton::wire {

/// How many sockets of each of the peer's servers are open on this side (Node's SocketListReceive): the peer
/// may ask for the count, and to be told when the last one has closed.
class SocketCounts {
 public:
  /// How many servers are remembered. A peer that names more has the servers without an open socket
  /// forgotten; what is still too much is not counted. Names are at most `longest_key` bytes long
  /// (HandleMessage).
  static constexpr size_t most_servers = 4096;

  void opened(const std::string& key);
  /// True: it was the last one, and the peer wants to be told.
  [[nodiscard]] bool closed(const std::string& key);
  /// The count; nothing for a server that was never heard of, and then nothing is answered, as Node does.
  [[nodiscard]] std::optional<uint64_t> count(const std::string& key) const;
  /// The peer wants to be told. True: at once, none is open.
  [[nodiscard]] bool tell_when_closed(const std::string& key);
  [[nodiscard]] size_t servers() const noexcept { return lists_.size(); }

 private:
  void make_room();

  struct List {
    uint64_t open = 0;
    bool tell = false;
  };
  std::map<std::string, List> lists_;
};

}  // namespace baton::wire
